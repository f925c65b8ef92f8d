"""Authorization codes: used once, within ten minutes, by whom they were made for."""

import base64
import hashlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from . import failures
from .failures import Failure
from .misbehave import Misbehavior, Tamper
from .people import Person

LIFETIME = 600.0
KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Grant:
    """What a code stands for; the last three are the misbehaviour chosen on the page."""

    person: Person
    tenant: str
    client_id: str
    redirect_uri: str
    challenge: str | None
    nonce: str | None
    issued_at: float
    failure: Failure | None = None
    answer: Misbehavior | None = None
    tamper: Tamper | None = None
    claims: Mapping[str, object] = field(default_factory=dict)


class Codes:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._grants: OrderedDict[str, Grant] = OrderedDict()
        self._used: set[str] = set()

    def issue(self, grant: Grant) -> str:
        # As long as Entra's, so that a limit on a header or a URL shows.
        code = f"1.{secrets.token_urlsafe(480)}"
        with self._lock:
            self._grants[code] = grant
            if len(self._grants) > KEPT:
                self._used.discard(self._grants.popitem(last=False)[0])
        return code

    def find(self, code: str) -> Grant | None:
        return self._grants.get(code)

    def use(self, code: str) -> bool:
        """True the first time."""
        with self._lock:
            first = code not in self._used
            self._used.add(code)
        return first


def refuse(grant: Grant, form: Mapping[str, str], tenant: str, now: float) -> Failure | None:
    """What the token request got wrong about its code, or None."""
    if now - grant.issued_at > LIFETIME:
        return failures.CODE_EXPIRED
    if form["client_id"] != grant.client_id:
        return failures.CODE_OF_ANOTHER_CLIENT
    if tenant != grant.tenant:
        return failures.CODE_OF_ANOTHER_TENANT
    if form.get("redirect_uri") != grant.redirect_uri:
        return failures.REDIRECT_URI_DIFFERS
    if grant.challenge and challenge_of(form.get("code_verifier", "")) != grant.challenge:
        return failures.VERIFIER_WRONG
    return None


def challenge_of(verifier: str) -> str:
    """PKCE's S256 (RFC 7636, section 4.2)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
