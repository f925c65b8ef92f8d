"""Who is signed in at Microsoft, in which browser, for `prompt=none` and front-channel logout.

A browser session has one `sid` for all apps, ended by signing out. Disabling a person, or revoking
their sessions, ends what Microsoft knows, and nothing at the sites.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import uuid4

from .failures import Failure

if TYPE_CHECKING:
    from .asked import Asked
    from .people import Person
    from .wire import Request

COOKIE = "emulator_session"
OPTIONAL = ("auth_time", "sid", "login_hint")
DISABLED = Failure("interaction_required", 50057, "The user account is disabled.")
MFA = Failure("interaction_required", 50076, "You must use multi-factor authentication to access.")
BLOCKED = Failure(
    "interaction_required", 53003, "Access has been blocked by Conditional Access policies."
)


@dataclass(slots=True)
class BrowserSession:
    """`signed_in_at`: when the password or passkey was last given, for `auth_time`."""

    person: str
    sid: str
    signed_in_at: float


@dataclass(slots=True)
class BrowserSessions:
    """`optional_claims` are those that the app registration has under Token configuration.

    `contexts`: authentication contexts that anyone meets; `demands`: what a silent sign-in of
    these people meets instead of success.
    """

    optional_claims: set[str] = field(default_factory=set)
    contexts: set[str] = field(default_factory=set)
    disabled: set[str] = field(default_factory=set)
    demands: dict[str, Failure] = field(default_factory=dict)
    open: dict[str, BrowserSession] = field(default_factory=dict)

    def of(self, request: Request, asked: Asked, people: dict[str, Person]) -> str:
        """The name of the browser's session, by its cookie or else by the hint; or ""."""
        name = self.of_cookie(request)
        if name in self.open:
            return name
        hinted = [k for k, s in self.open.items() if asked.login_hint == hint_of(people[s.person])]
        return hinted[0] if hinted and asked.login_hint else ""

    def of_cookie(self, request: Request) -> str:
        """What the browser's cookie names, or ""."""
        return _cookie(request)

    def silent_failure(self, session: BrowserSession) -> Failure | None:
        """Why `prompt=none` does not succeed, though the browser has a session."""
        if session.person in self.disabled:
            return DISABLED
        return self.demands.get(session.person)

    def begin(self, name: str, person: Person, now: float, *, afresh: bool) -> str:
        """The browser's session after a sign-in; `afresh` when the password was asked for."""
        known = self.open.get(name)
        if known is not None and known.person == person.key:
            known.signed_in_at = now if afresh else known.signed_in_at
            return name
        name = str(uuid4())
        self.open[name] = BrowserSession(person.key, str(uuid4()), now)
        return name

    def claims(self, name: str, person: Person, asked: Asked) -> dict[str, object]:
        """The optional claims of a token for this session."""
        session = self.open[name]
        known = {
            "auth_time": int(session.signed_in_at),
            "sid": session.sid,
            "login_hint": hint_of(person),
        }
        claims = {key: value for key, value in known.items() if key in self.optional_claims}
        context = context_of(asked)
        return {**claims, "acrs": [context]} if context in self.contexts else claims


def hint_of(person: Person) -> str:
    """Opaque, as Entra's `login_hint` claim is."""
    return f"O.{person.oid}"


def context_of(asked: Asked) -> str:
    """The authentication context that is demanded, or ""."""
    try:
        return str(json.loads(asked.claims or "{}")["id_token"]["acrs"]["value"])
    except (ValueError, KeyError, TypeError):
        return ""


def _cookie(request: Request) -> str:
    parts = [part.strip() for part in (request.header("cookie") or "").split(";")]
    return next((p.partition("=")[2] for p in parts if p.startswith(f"{COOKIE}=")), "")
