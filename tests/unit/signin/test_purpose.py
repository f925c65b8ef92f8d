"""What a re-check and a step-up ask of Microsoft, and what proves a step-up."""

import json
from dataclasses import replace
from typing import Any

import pytest

from accounts.entra.claims import read_claims
from accounts.reasons import Refused
from accounts.signin.purpose import (
    STEP_UP_SECONDS,
    Purpose,
    check_step_up,
    is_fresh,
    parameters,
    proved_by_sign_in,
)

ASKED_AT = 1_800_000_000
PAYLOAD = {"tid": "t", "oid": "o", "sub": "s", "iss": "i"}


def claims(**more: Any) -> Any:
    return read_claims({**PAYLOAD, **more})


def test_a_sign_in_asks_for_nothing_more() -> None:
    assert parameters(Purpose.SIGN_IN, "login", "hint") == {}


def test_a_recheck_is_silent() -> None:
    asked = parameters(Purpose.RECHECK, "off", "hint")
    assert asked == {"prompt": "none", "login_hint": "hint"}


def test_a_recheck_without_the_optional_claim_has_no_hint() -> None:
    assert parameters(Purpose.RECHECK, "off", "") == {"prompt": "none"}


def test_a_step_up_asks_for_the_password_again() -> None:
    assert parameters(Purpose.STEP_UP, "login", "")["prompt"] == "login"


def test_a_step_up_by_context_demands_it_of_the_id_token() -> None:
    asked = parameters(Purpose.STEP_UP, "c7", "hint")
    assert "prompt" not in asked
    assert json.loads(asked["claims"])["id_token"]["acrs"] == {"essential": True, "value": "c7"}


@pytest.mark.parametrize("age", [-30, 0, 119])
def test_a_fresh_auth_time_proves_it(age: int) -> None:
    check_step_up("login", claims(auth_time=ASKED_AT - age), ASKED_AT, ASKED_AT)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({}, "auth_time: missing"),
        ({"auth_time": None}, "auth_time: missing"),
        ({"auth_time": str(ASKED_AT)}, "auth_time: missing"),
        ({"auth_time": float("inf")}, "auth_time: missing"),
        ({"auth_time": True}, "auth_time: missing"),
        ({"auth_time": -1}, "auth_time: missing"),
        ({"auth_time": [ASKED_AT]}, "auth_time: missing"),
        ({"auth_time": ASKED_AT - 121}, "auth_time: 121 s before"),
        ({"auth_time": ASKED_AT + 121}, "auth_time: 121 s ahead"),
        ({"acrs": ["c1"]}, "auth_time: missing"),
    ],
)
def test_anything_else_does_not(more: dict[str, Any], says: str) -> None:
    with pytest.raises(Refused) as refused:
        check_step_up("login", claims(**more), ASKED_AT, ASKED_AT)
    assert refused.value.reason.code == "step_up_failed"
    assert says in refused.value.detail


@pytest.mark.parametrize("acrs", [["c1"], "c1", ["c3", "c1"], ["c1", 7, None]])
def test_a_context_proves_it(acrs: object) -> None:
    check_step_up("c1", claims(acrs=acrs), ASKED_AT, ASKED_AT)


@pytest.mark.parametrize(
    "acrs", [None, [], "", "c11", ["c11"], "c1 c2", {"c1": True}, [["c1"]], True, ["C1"], 1]
)
def test_another_context_does_not(acrs: object) -> None:
    with pytest.raises(Refused) as refused:
        check_step_up("c1", claims(acrs=acrs, auth_time=ASKED_AT), ASKED_AT, ASKED_AT)
    assert refused.value.reason.code == "step_up_failed"
    assert refused.value.detail.startswith("acrs: ")


@pytest.mark.parametrize(
    ("age", "fresh"),
    [(0, True), (STEP_UP_SECONDS - 1, True), (STEP_UP_SECONDS, False), (-5, False)],
)
def test_how_long_a_proof_counts(age: float, fresh: bool) -> None:
    assert is_fresh(ASKED_AT, ASKED_AT + age) is fresh


def test_no_proof_is_never_fresh() -> None:
    assert not is_fresh(None, ASKED_AT)


@pytest.mark.parametrize("sid", [None, 7, ["x"], "x" * 129, "ünicode", "a\nb"])
def test_an_odd_sid_is_none(sid: object) -> None:
    assert claims(sid=sid).sid == ""


def test_optional_claims_let_nobody_in() -> None:
    plain, full = claims(), claims(sid="s", login_hint="h", auth_time=5, acrs=["c1"])
    assert replace(full, sid="", login_hint="", auth_time=None, acrs=frozenset()) == plain


@pytest.mark.parametrize(
    ("step_up", "ahead", "counts"),
    [
        ("login", -60, True), ("login", 0, True), ("login", 119, True),
        ("login", 121, False), ("login", 10**9, False), ("login", -901, False), ("c1", 0, False),
    ],
)  # fmt: skip
def test_an_ordinary_sign_in_counts_by_its_time_at_microsoft(
    step_up: str, ahead: int, counts: bool
) -> None:
    at = proved_by_sign_in(step_up, claims(auth_time=ASKED_AT + ahead), ASKED_AT)
    assert is_fresh(at, ASKED_AT) == counts
