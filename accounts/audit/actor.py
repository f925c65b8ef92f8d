"""Who is at work: a signed-in person, someone who is signing in, or a command's user."""

from __future__ import annotations

import getpass
import os
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.http import HttpRequest

from ..display.references import new_reference
from ..models import AuditEntry


@dataclass(frozen=True, slots=True)
class Actor:
    """`key` is the person's primary key; `facts` say from where they act."""

    kind: str
    name: str = ""
    key: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Context:
    """What an entry takes over unless it is given another.

    `new_reference` makes one for an entry that was given none: entries of one act share theirs.
    `silent`: nothing is written by itself, since whoever is at work writes one entry for all.
    """

    who: Callable[[], Actor] | None = None
    reference: str = ""
    note: str = ""
    silent: bool = False
    new_reference: Callable[[], str] = new_reference

    def actor(self) -> Actor:
        """Who is at work now."""
        return self.who() if self.who else of_command()


_NOBODY: Final = Context()
_present: ContextVar[Context] = ContextVar("audit", default=_NOBODY)


def present() -> Context:
    """The context that applies here."""
    return _present.get()


@contextmanager
def context(**changes: Any) -> Iterator[None]:
    """Within the block entries are of this actor (`who`), `reference`, `note`."""
    token = _present.set(replace(present(), **changes))
    try:
        yield
    finally:
        _present.reset(token)


def of_request(request: HttpRequest) -> Actor:
    """The signed-in person of the request; nobody yet while someone signs in."""
    user: Any = getattr(request, "user", None)
    facts = {
        "ip": str(request.META.get("REMOTE_ADDR") or ""),
        "path": request.path[:200],
    }
    if user is None or not user.is_authenticated:
        return Actor(AuditEntry.Actor.VISITOR, facts=facts)
    return Actor(AuditEntry.Actor.PERSON, user.get_username(), str(user.pk), facts)


def of_command() -> Actor:
    """The operating-system user, the machine and the command, without its arguments."""
    words = [word for word in sys.argv[1:3] if word.replace("_", "").isalpha()]
    command = " ".join([Path(sys.argv[0]).name, *words])
    return Actor(AuditEntry.Actor.COMMAND, _login(), facts={**_machine(), "command": command})


@cache
def _machine() -> dict[str, str]:
    return {"host": socket.gethostname()}


def _login() -> str:
    """Behind sudo, who called it."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        name = f"uid {os.getuid()}"
    caller = os.environ.get("SUDO_USER", "")
    return f"{name} (sudo by {caller})" if caller else name
