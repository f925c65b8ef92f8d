"""Issue a state, and say why one that came back cannot be accepted.

The `state` parameter (RFC 6749 section 10.12, RFC 9700 section 2.1) is signed and says when, on
which origin, for which browser and by which process it was issued. So the causes can be told apart:
cookie not sent, session not in the store, another session, expired, used, not issued here.

Nothing else is stored for a sign-in under way. The session has one random `browser secret`; `nonce`
and PKCE verifier are derived from it and the state's id, so that ten sign-ins in ten tabs cannot
overwrite each other, and only the browser that started one can finish it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from django.core import signing

from ..display.references import new_reference
from ..reasons import Refused
from .purpose import Purpose

LIFETIME: Final = 600  # seconds; Entra's authorization codes live about as long
_LONGEST: Final = 2048  # characters of a state
LONGEST_NEXT: Final = 512
_CLOCK_SKEW: Final = 60  # seconds, between instances
_PURPOSES: Final = frozenset(purpose.value for purpose in Purpose)
_SIGNER: Final = "accounts.signin.state"
_COOKIE_TWICE: Final = (
    "cookie: sent twice: another app on this host or domain sets one of the same name"
)
_COOKIE_WITHHELD: Final = "blocked, cleared, of another browser, or withheld by SameSite or Domain"


@dataclass(frozen=True, slots=True)
class ServedBy:
    """Where a request is served: `origin` is scheme://host, `process` is "instance/pid"."""

    origin: str
    process: str
    started: float = 0.0  # when the process started, seconds since the epoch


@dataclass(frozen=True, slots=True)
class Issued:
    """The content of a state."""

    id: str
    at: float
    browser: str
    origin: str
    process: str
    reference: str
    next: str
    purpose: Purpose = Purpose.SIGN_IN


@dataclass(frozen=True, slots=True)
class Returned:
    """The request that brought the state back.

    `browser_secrets`: the session's present one, or "", then those of before its sign-in.
    """

    at: float
    served_by: ServedBy
    cookie_sent: bool
    session_found: bool
    browser_secrets: tuple[str, ...]
    cookie_twice: bool = False  # sent with two values, so that neither was read


def new_browser_secret() -> str:
    """256 random bits that tie a session's sign-ins to it; never leaves the session store."""
    return secrets.token_urlsafe(32)


def issue(
    browser_secret: str,
    served_by: ServedBy,
    next_path: str,
    purpose: Purpose = Purpose.SIGN_IN,
) -> tuple[Issued, str]:
    """Make a state for one sign-in; returns its content, and its text for the URL."""
    issued = Issued(
        id=secrets.token_urlsafe(16),
        at=time.time(),
        browser=fingerprint(browser_secret),
        origin=served_by.origin,
        process=served_by.process,
        reference=new_reference(),
        next=next_path if len(next_path) <= LONGEST_NEXT else "",
        purpose=purpose,
    )
    return issued, _sign(issued)


def read(text: str) -> Issued:
    """The state's content; raises Refused(state_not_ours) for anything we did not sign."""
    if not text or len(text) > _LONGEST or not text.isascii():
        raise Refused("state_not_ours", "state: missing, too long, or not ASCII")
    try:
        payload = _signer().unsign_object(text)
    except signing.BadSignature:
        raise Refused("state_not_ours", _why_unsigned(text)) from None
    except Exception:
        raise Refused("state_not_ours", "state: unreadable") from None
    return _from_payload(payload)


def diagnose(issued: Issued, returned: Returned) -> Refused | None:
    """Why this state cannot be accepted now, or None when it can (save that it is used once)."""
    age = returned.at - issued.at
    if age < -_CLOCK_SKEW:
        return Refused(
            "state_expired",
            f"state: issued {-age:.0f} s in the future; clocks of the instances differ",
        )
    if not age <= LIFETIME:  # nor is NaN
        return Refused("state_expired", f"state: {age:.0f} s old, {LIFETIME} s allowed")
    if returned.cookie_twice:
        return Refused("session_not_found", _COOKIE_TWICE)
    if not returned.cookie_sent:
        return Refused("cookie_not_sent", _why_no_cookie(issued, returned.served_by))
    if not returned.session_found:
        return Refused("session_not_found", _why_no_session(issued, returned.served_by))
    if not secret_for(issued, returned.browser_secrets):
        return Refused("session_changed", "session: not the one that started this sign-in")
    return None


def secret_for(issued: Issued, browser_secrets: Iterable[str]) -> str:
    """The secret of the session that the state was issued to, or ""."""
    return next((secret for secret in browser_secrets if _is_of(issued.browser, secret)), "")


def fingerprint(browser_secret: str) -> str:
    """A hash that identifies a browser secret without revealing it."""
    return hashlib.sha256(b"browser:" + browser_secret.encode()).hexdigest()[:16]


def nonce(browser_secret: str, state_id: str) -> str:
    """The nonce of this sign-in (OpenID Connect Core 3.1.2.1), known to this session only."""
    return _derive(browser_secret, "nonce", state_id)


def code_verifier(browser_secret: str, state_id: str) -> str:
    """The PKCE verifier of this sign-in (RFC 7636 section 4.1), 43 characters."""
    return _derive(browser_secret, "code_verifier", state_id)


def code_challenge(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636 section 4.2)."""
    return _base64url(hashlib.sha256(verifier.encode()).digest())


def used_key(state_id: str) -> str:
    """The cache key that marks a state as used."""
    return "state-used:" + hashlib.sha256(state_id.encode()).hexdigest()[:32]


def _signer() -> signing.Signer:
    return signing.Signer(sep=".", salt=_SIGNER)


def _sign(issued: Issued) -> str:
    parts = [issued.id, round(issued.at, 1), issued.browser]
    parts += [issued.origin, issued.process, issued.reference, issued.next]
    # Left out of a sign-in's, so that the release before can read it.
    return _signer().sign_object([*parts, issued.purpose] if issued.purpose else parts)


def _from_payload(payload: Any) -> Issued:
    match payload:
        case [str(), int() | float(), str(), str(), str(), str(), str()]:
            return Issued(*payload)
        case [str(), int() | float(), str(), str(), str(), str(), str(), str(purpose)]:
            if purpose in _PURPOSES:
                return replace(Issued(*payload[:7]), purpose=Purpose(purpose))
    raise Refused("state_not_ours", "state: signed by us, but of another version")


def _derive(browser_secret: str, purpose: str, state_id: str) -> str:
    message = f"{purpose}:{state_id}".encode()
    return _base64url(hmac.digest(browser_secret.encode(), message, hashlib.sha256))


def _base64url(raw: bytes) -> str:
    return signing.b64_encode(raw).decode()  # without padding


def _is_of(browser: str, browser_secret: str) -> bool:
    return bool(browser_secret) and hmac.compare_digest(browser, fingerprint(browser_secret))


def _why_unsigned(text: str) -> str:
    try:
        payload = signing.b64_decode(text.partition(".")[0].encode())
        _from_payload(signing.JSONSerializer().loads(payload))
    except Exception:
        return "state: never issued by this site"
    return "state: our form, but signed with another SECRET_KEY, or altered"


def _why_no_cookie(issued: Issued, served_by: ServedBy) -> str:
    if issued.origin != served_by.origin:
        return f"cookie: origin changed from {issued.origin} to {served_by.origin}"
    if served_by.origin.startswith("http://"):
        return f"cookie: not sent on http, where a Secure one never is; or {_COOKIE_WITHHELD}"
    return f"cookie: {_COOKIE_WITHHELD}"


def _why_no_session(issued: Issued, served_by: ServedBy) -> str:
    if issued.process == served_by.process:
        return "session: gone from the store (evicted, flushed), or of another app on this host"
    if issued.process.rpartition("/")[0] != served_by.process.rpartition("/")[0]:
        return f"session: not shared between instances ({issued.process}, {served_by.process})"
    if served_by.started > issued.at:
        return "session: gone since this process started (store in memory, or restarted)"
    return f"session: not shared between workers ({issued.process}, {served_by.process})"
