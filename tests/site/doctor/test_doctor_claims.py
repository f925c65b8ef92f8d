"""Which optional claims the last tokens lacked is told by name; a value is nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import SignIn, User
from accounts.operate.doctor import online_findings
from accounts.operate.doctor.probes import claims
from tests.emulator.ids import TENANT
from tests.emulator.person import sign_in_as
from tests.support.admins import sign_in
from tests.support.doctoring import by_id
from tests.support.visitor import START

if TYPE_CHECKING:
    from accounts.operate.doctor.finding import Finding
    from tests.emulator.server import Emulator

pytestmark = pytest.mark.django_db


def look(*lacking: str) -> dict[str, Finding]:
    for names in lacking:
        sign_in(lacking_claims=names)
    return by_id(claims.run())


def test_nobody_signed_in_yet_and_nothing_is_said() -> None:
    assert look() == {}


def test_all_is_well_when_some_token_had_each() -> None:
    found = look("email sid", "acct xms_edov", "auth_time acrs")
    assert {one.level for one in found.values()} == {"ok"}
    assert "email, acct, sid, login_hint" in found["claims.lacking"].title


def test_what_every_token_lacked_is_named() -> None:
    found = look("sid login_hint xms_edov", "sid login_hint email acrs")
    assert found["claims.lacking"].title.endswith("lacked optional claims: sid, login_hint")
    assert "claims.needed" not in found


@pytest.mark.parametrize(("names", "step_up", "tenants", "told"), [
    ("auth_time", "login", 1, {"auth_time"}),
    ("auth_time", "off", 1, set()),
    ("auth_time acrs", "c1", 1, set()),  # a context is in the tokens of step-ups only
    ("xms_edov", "off", 2, {"xms_edov"}),
    ("xms_edov", "off", 1, set()),
])  # fmt: skip
def test_what_the_settings_need_is_a_warning(
    names: str, step_up: str, tenants: int, told: set[str], settings: Settings
) -> None:
    settings.STEP_UP = step_up
    settings.MICROSOFT_ALLOWED_TENANTS = frozenset([TENANT, "b"][:tenants])
    found = look(names).get("claims.needed")
    assert (set(found.title.rpartition(": ")[2].split(", ")) if found else set()) == told
    assert not found or found.level == "warning"


def test_a_step_up_without_its_context_is_told(settings: Settings) -> None:
    settings.STEP_UP = "c1"
    sign_in(reason="step_up_failed", lacking_claims="acrs")
    assert look("acrs")["claims.needed"].title.endswith(": acrs")


def test_only_the_last_ten_by_microsoft_count() -> None:
    sign_in(lacking_claims="sid")
    sign_in(method=SignIn.Method.PASSWORD)
    assert "sid" in look(*["sid"] * 10)["claims.lacking"].title
    assert "sid" not in look(*["email"] * 10)["claims.lacking"].title


def test_a_sign_in_leaves_the_names_and_test_connection_tells_them(emulator: Emulator) -> None:
    User.objects.create_user("staff@contoso.example")
    emulator.at_microsoft(optional_claims=["sid"])
    client = Client()
    client.get(sign_in_as(client.post(START).headers["Location"], quick=True))
    row = SignIn.objects.get()
    assert (row.outcome, set(row.lacking_claims.split())) == (
        "admitted", {"acct", "xms_edov", "login_hint", "auth_time", "acrs"},
    )  # fmt: skip
    found = by_id(online_findings())["claims.lacking"]
    assert "acct, login_hint" in found.title
