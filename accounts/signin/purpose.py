"""Why someone is sent to Microsoft, what is asked for there, and which claims prove it."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Final

from ..entra.claims import Claims
from ..reasons import Refused

STEP_UP_SECONDS: Final = 15 * 60  # how long a fresh sign-in counts
_CLOCK_SKEW: Final = 120  # seconds, for auth_time


class Purpose(StrEnum):
    """Part of a state; "" is a sign-in, as in states of earlier releases."""

    SIGN_IN = ""
    RECHECK = "recheck"
    STEP_UP = "step_up"


def parameters(purpose: Purpose, step_up: str, login_hint: str) -> dict[str, str]:
    """The parameters of the authentication request that a sign-in does not have.

    `prompt=none` and `prompt=login`: OpenID Connect Core 3.1.2.1. `claims` with `acrs`: Microsoft,
    "Developer guidance for Conditional Access authentication context".
    """
    hint = {"login_hint": login_hint} if login_hint else {}
    if purpose is Purpose.RECHECK:
        return {**hint, "prompt": "none"}
    if purpose is Purpose.STEP_UP and step_up == "login":
        return {**hint, "prompt": "login"}
    if purpose is Purpose.STEP_UP:
        claims_request = {"id_token": {"acrs": {"essential": True, "value": step_up}}}
        return {**hint, "claims": json.dumps(claims_request, separators=(",", ":"))}
    return {}


def check_step_up(step_up: str, claims: Claims, asked_at: float, now: float) -> None:
    """Raises Refused(step_up_failed) unless the token proves what STEP_UP asks for.

    `asked_at`: when we sent the person to Microsoft, seconds since the epoch.
    """
    if step_up != "login":
        _check_context(step_up, claims)
    elif claims.auth_time is None:
        raise Refused(
            "step_up_failed",
            "auth_time: missing in the id_token; add it under Token configuration, Optional claims",
        )
    elif claims.auth_time < asked_at - _CLOCK_SKEW:
        age = asked_at - claims.auth_time
        raise Refused("step_up_failed", f"auth_time: {age:.0f} s before we asked for a new sign-in")
    elif claims.auth_time > now + _CLOCK_SKEW:
        ahead = claims.auth_time - now
        raise Refused("step_up_failed", f"auth_time: {ahead:.0f} s ahead of this server's clock")


def _check_context(step_up: str, claims: Claims) -> None:
    if not claims.acrs:
        raise Refused(
            "step_up_failed",
            f"acrs: missing in the id_token; publish the authentication context {step_up} in"
            " Conditional Access",
        )
    if step_up not in claims.acrs:
        raise Refused("step_up_failed", f"acrs: does not hold {step_up}")


def proved_by_sign_in(step_up: str, claims: Claims, now: float) -> float | None:
    """When an ordinary sign-in proved what STEP_UP=login asks for; never later than now."""
    at = claims.auth_time
    is_time = step_up == "login" and at is not None and at <= now + _CLOCK_SKEW
    return min(float(at), now) if is_time and at is not None else None


def is_fresh(proved_at: float | None, now: float) -> bool:
    """Whether a fresh sign-in at `proved_at` still counts."""
    return proved_at is not None and 0 <= now - proved_at < STEP_UP_SECONDS
