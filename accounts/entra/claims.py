"""The claims of a verified payload, each in the one type that the policy expects.

Microsoft sends some claims in several forms (true, "1", 1). Those are read; any other form is read
as the value that lets fewer people in: unverified, guest. Where neither value is safe (`email`,
`preferred_username`, `idp`), the token is refused: an email that is a list must not let
`preferred_username` count.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from ..display.visible import safe_repr
from ..reasons import Refused

MEMBER, GUEST = 0, 1
_MAX_TEXT = 320
_MAX_NAME = 256
_MAX_SID = 128
_MAX_HINT = 1024
_MAX_SECONDS = 2**53
_MAX_CONTEXTS = 100
_MAX_ROLES = 1000
_MAX_ROLE = 200
_UNSHOWN = ("Cc", "Cs")  # control characters, surrogates
_TRUE = ((bool, True), (int, 1), (str, "1"))


@dataclass(frozen=True, slots=True)
class Claims:
    """`tid` and `oid` are in lower case; None says that the claim is absent or null."""

    tid: str
    oid: str
    sub: str
    issuer: str
    email: str | None
    preferred_username: str | None
    name: str
    idp: str | None
    acct: int | None
    email_verified: bool | None
    xms_edov: bool | None
    sid: str = ""
    login_hint: str = ""
    auth_time: int | None = None
    acrs: frozenset[str] = frozenset()
    client_id: str = ""
    roles: tuple[str, ...] | None = None
    groups: tuple[str, ...] | None = None
    roles_problem: str = ""


def lacking(claims: Claims) -> tuple[str, ...]:
    """The names of the optional claims that the token does not have in a usable form."""
    there = {
        "email": claims.email,
        "acct": claims.acct is not None,
        "xms_edov": claims.xms_edov is not None,
        "sid": claims.sid,
        "login_hint": claims.login_hint,
        "auth_time": claims.auth_time,
        "acrs": claims.acrs,
    }
    return tuple(name for name, value in there.items() if not value)


def read_claims(payload: Mapping[str, object]) -> Claims:
    """`payload` has passed every check of tokens.py."""
    return Claims(
        tid=str(payload["tid"]).lower(),
        oid=str(payload["oid"]).lower(),
        sub=str(payload["sub"]),
        issuer=str(payload["iss"]),
        email=_text(payload, "email"),
        preferred_username=_text(payload, "preferred_username"),
        name=_name(payload.get("name")),
        idp=_text(payload, "idp"),
        acct=_acct(payload.get("acct")),
        email_verified=_flag(payload.get("email_verified")),
        xms_edov=_flag(payload.get("xms_edov")),
        sid=_short(payload.get("sid"), _MAX_SID),
        login_hint=_short(payload.get("login_hint"), _MAX_HINT),
        auth_time=_seconds(payload.get("auth_time")),
        acrs=_contexts(payload.get("acrs")),
        client_id=_audience(payload.get("aud")),
        roles=_names(payload.get("roles")),
        groups=None if _groups_left_out(payload) else _names(payload.get("groups")),
        roles_problem=_roles_problem(payload),
    )


def _short(value: object, longest: int) -> str:
    """An optional claim that admits nobody: any other form counts as absent."""
    good = isinstance(value, str) and len(value) <= longest and value.isascii()
    return str(value) if good and str(value).isprintable() else ""


def _seconds(value: object) -> int | None:
    """Seconds since the epoch; None for any other form."""
    is_time = isinstance(value, int) and not isinstance(value, bool) and 0 < value < _MAX_SECONDS
    return int(str(value)) if is_time else None


def _audience(value: object) -> str:
    """The client id, as tokens.py has checked: a text, or a list of only that."""
    return str(value[0] if isinstance(value, list) and value else value)


def _names(value: object) -> tuple[str, ...] | None:
    """Values of app roles, or object ids of groups; None where absent or malformed."""
    if not isinstance(value, list) or len(value) > _MAX_ROLES:
        return None
    good = all(isinstance(entry, str) and len(entry) <= _MAX_ROLE for entry in value)
    return tuple(dict.fromkeys(value)) if good else None


def _roles_problem(payload: Mapping[str, object]) -> str:
    """Why the roles are unknown: too many for the token, or malformed.

    Groups that are left out do not matter where `roles` is there.
    """
    left_out = payload.get("_claim_names")
    is_over = left_out is not None or _groups_left_out(payload)
    if (payload.get("roles") is None and is_over) or "roles" in str(left_out):
        return "too many for the token (overage)"
    if payload.get("roles") is not None and _names(payload["roles"]) is None:
        return "the claim has a form that cannot be read"
    return ""


def _groups_left_out(payload: Mapping[str, object]) -> bool:
    """An overage: any groups listed beside it are not all of them."""
    return payload.get("hasgroups") is not None or "groups" in str(payload.get("_claim_names"))


def _contexts(value: object) -> frozenset[str]:
    """Authentication contexts: a list of texts, or one text."""
    entries = value if isinstance(value, list) else [value]
    return frozenset(entry for entry in entries[:_MAX_CONTEXTS] if isinstance(entry, str))


def _text(payload: Mapping[str, object], name: str) -> str | None:
    value = payload.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > _MAX_TEXT or not _storable(value):
        raise Refused("token_invalid", f"{name}: {safe_repr(value)} is not a text that can be kept")
    return value


def _storable(text: str) -> bool:
    """PostgreSQL refuses NUL and surrogates; anything else at worst matches nobody."""
    return not any(c == "\0" or unicodedata.category(c) == "Cs" for c in text)


def _name(value: object) -> str:
    """For display only, so without what cannot be shown."""
    if not isinstance(value, str):
        return ""
    return "".join(c for c in value[:_MAX_NAME] if unicodedata.category(c) not in _UNSHOWN)


def _acct(value: object) -> int | None:
    """0 member, 1 guest; any other form counts as a guest."""
    if value is None:
        return None
    is_member = (type(value), value) in ((int, 0), (str, "0"))
    return MEMBER if is_member else GUEST


def _flag(value: object) -> bool | None:
    """True only in the forms that Microsoft sends."""
    return None if value is None else (type(value), value) in _TRUE
