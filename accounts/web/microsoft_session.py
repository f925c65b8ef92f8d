"""What a session keeps of its sign-in with Microsoft: whose it is there, and when it was proved.

Of the claims only these, and with the session only: `sid` as a hash, `login_hint`, `auth_time`.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import asdict, dataclass, replace
from typing import Any

from django.contrib.sessions.backends.base import SessionBase

from ..conf import conf
from ..entra.tokens import Claims
from ..sessions.store import MICROSOFT
from ..signin.bindings import identity_of
from ..signin.purpose import proved_by_sign_in


@dataclass(frozen=True, slots=True)
class MicrosoftSession:
    """Times in seconds since the epoch; all empty for a session that Microsoft knows nothing of.

    `checked_at`: when Microsoft last confirmed the person; `put_off_at`: when it last could not be
    asked; `proved_at`: when the person last proved themselves there afresh, as STEP_UP asks.
    """

    identity: str = ""
    sid: str = ""
    login_hint: str = ""
    auth_time: int | None = None
    checked_at: float | None = None
    proved_at: float | None = None
    put_off_at: float | None = None


def of(session: SessionBase) -> MicrosoftSession:
    """What this session knows; what is not of the right form counts as unknown."""
    entry: Any = session.get(MICROSOFT)
    try:
        return MicrosoftSession(**entry)
    except TypeError:
        return MicrosoftSession()


def begin(session: SessionBase, claims: Claims) -> None:
    """After a sign-in; one for which Microsoft asked just now is as good as a step-up."""
    _keep(session, claims, proved_at=proved_by_sign_in(conf.STEP_UP, claims, time.time()))


def confirm(session: SessionBase, claims: Claims) -> None:
    """After a silent re-check: only what Microsoft says anew."""
    _keep(session, claims, proved_at=of(session).proved_at)


def prove(session: SessionBase, claims: Claims) -> None:
    """After a step-up."""
    _keep(session, claims, proved_at=time.time())


def put_off(session: SessionBase) -> None:
    """Microsoft could not be asked: nothing is confirmed."""
    session[MICROSOFT] = asdict(replace(of(session), put_off_at=time.time()))


def _keep(session: SessionBase, claims: Claims, proved_at: float | None) -> None:
    session[MICROSOFT] = asdict(
        MicrosoftSession(
            identity=identity_of(claims),
            sid=sid_hash(claims.sid),
            login_hint=claims.login_hint,
            auth_time=claims.auth_time,
            checked_at=time.time(),
            proved_at=proved_at,
        )
    )


def sid_hash(sid: str) -> str:
    """Names a browser session at Microsoft without telling its `sid`; "" for none."""
    return hashlib.sha256(b"sid:" + sid.encode()).hexdigest()[:32] if sid else ""
