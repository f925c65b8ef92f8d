"""What a session stores of its sign-in with Microsoft: the identity, and when it was confirmed.

Of the claims it has `sid` as a hash, `login_hint` and `auth_time`, which are stored nowhere else.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import asdict, dataclass, replace
from typing import Any

from django.contrib.sessions.backends.base import SessionBase

from ..conf import conf
from ..entra.claims import Claims
from ..sessions.store import MICROSOFT
from ..signin.bindings import identity_of
from ..signin.purpose import proved_by_sign_in


@dataclass(frozen=True, slots=True)
class MicrosoftSession:
    """Times in seconds since the epoch; all empty for a session that did not begin at Microsoft.

    `checked_at`: when Microsoft last confirmed the person; `put_off_at`: when it last could not be
    asked; `proved_at`: the last fresh sign-in there, as STEP_UP demands.
    """

    identity: str = ""
    sid: str = ""
    login_hint: str = ""
    auth_time: int | None = None
    checked_at: float | None = None
    proved_at: float | None = None
    put_off_at: float | None = None


def of(session: SessionBase) -> MicrosoftSession:
    """The session's entry; an empty one where it has none of this form."""
    entry: Any = session.get(MICROSOFT)
    try:
        return MicrosoftSession(**entry)
    except TypeError:
        return MicrosoftSession()


def begin(session: SessionBase, claims: Claims) -> None:
    """After a sign-in, which may prove what STEP_UP demands."""
    _keep(session, claims, proved_at=proved_by_sign_in(conf.STEP_UP, claims, time.time()))


def confirm(session: SessionBase, claims: Claims) -> None:
    """After a re-check; `proved_at` stays."""
    _keep(session, claims, proved_at=of(session).proved_at)


def prove(session: SessionBase, claims: Claims) -> None:
    """After a step-up."""
    _keep(session, claims, proved_at=time.time())


def put_off(session: SessionBase) -> None:
    """Microsoft could not be asked."""
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
    """Identifies a browser session at Microsoft without revealing its `sid`; "" for none."""
    return hashlib.sha256(b"sid:" + sid.encode()).hexdigest()[:32] if sid else ""
