"""A callback followed through the code while it runs: it only ever goes down the floors.

`python -m pytest -s tests/site/signin/test_walk.py` prints the way, function by function.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from django.test import Client

from accounts.models import User
from tests.emulator.person import sign_in_as
from tests.servers.process import ROOT
from tests.support.visitor import START
from tests.unit.test_architecture import FLOORS, room_of

if TYPE_CHECKING:
    from types import FrameType

    from tests.emulator.server import Emulator

pytestmark = pytest.mark.django_db(transaction=True)
BEGINS_WITH = "microsoft_callback"

# Whatever calls receivers of signals and hooks of on_commit.
NOTIFIES = {
    "Signal.send",
    "Signal.send_robust",
    "BaseDatabaseWrapper.run_and_clear_commit_hooks",
    "_tolerant.<locals>.attempt",
}


class Step(NamedTuple):
    caller: str
    called: str
    function: str


class Walk:
    """A profile function: every call from one of our functions to another, Django's left out.

    Left out, too, is what Django calls by itself and nobody waits for an answer from: receivers of
    its signals, and `project/`, whose database and cache the settings name.
    """

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def __call__(self, frame: FrameType, event: str, _argument: Any) -> None:
        function = frame.f_code.co_name
        if event != "call" or not (called := _file(frame)):
            return
        if not self.steps and function != BEGINS_WITH:
            return
        back = frame.f_back
        if back and back.f_code.co_qualname in NOTIFIES:
            return
        while back and not _file(back):
            back = back.f_back
        self.steps.append(Step(_file(back) if back else "", called, function))


def _file(frame: FrameType) -> str:
    path = Path(frame.f_code.co_filename)
    if not path.is_relative_to(ROOT / "accounts"):
        return ""
    return path.relative_to(ROOT).as_posix()


def _floor(file: str) -> int:
    return list(FLOORS).index(room_of(file.removesuffix(".py").replace("/", ".")))


def _way_back(client: Client, person: str) -> str:
    return sign_in_as(client.post(START).headers["Location"], person, quick=True)


def test_a_callback_never_climbs(emulator: Emulator) -> None:
    """Only returns lead up: no function below is given one of above to call."""
    for name in ("staff", "editor"):
        User.objects.create_user(f"{name}@contoso.example", is_staff=True)
    client = Client()
    client.get(_way_back(client, "editor"))  # a process makes its connections and keys once
    client, walk = Client(), Walk()
    back = _way_back(client, "staff")
    sys.setprofile(walk)
    try:
        response = client.get(back)
    finally:
        sys.setprofile(None)
    assert response.status_code == 302
    assert response.headers["Location"] == "/admin/"
    print(*dict.fromkeys(f"{step.called}:{step.function}" for step in walk.steps), sep="\n")
    climbs = {
        step for step in walk.steps if step.caller and _floor(step.called) > _floor(step.caller)
    }
    assert sorted(climbs) == []
    rooms = {room_of(step.called.removesuffix(".py").replace("/", ".")) for step in walk.steps}
    assert rooms >= {"accounts/web", "accounts/signin", "accounts/entra", "accounts/http"}
