"""Who is signed in, and signing them out: over the index of sessions, Redis's or the database's.

A session is named by its handle, which is no key to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from django.core.exceptions import ValidationError
from django.utils import timezone

from .. import audit, users
from ..conf import conf
from ..models import SignIn, User
from ..stores import transaction
from ..stores.outages import STORE_ERRORS
from . import index as session_index
from . import versions
from .entries import HANDLE_LENGTH, name_of
from .index import SignedIn

COLUMNS: Final = ("handle", "email", "since", "expires", "client_ip", "user_agent")
_CHUNK: Final = 500
_SIGN_INS_LOOKED_AT: Final = 300


class StoreUnavailable(Exception):
    """The session store did not answer; one session may live on, all of a person's never do."""

    def __init__(self) -> None:
        super().__init__("The session store (Redis) does not answer: ./manage.py doctor.")


class NoSuchSession(Exception):
    """No session has the handle; it may have ended by itself."""

    def __init__(self, handle: str) -> None:
        super().__init__(
            f"No session is called {handle!r}: it has ended, or never was."
            " See: ./manage.py sessions list"
        )


def listing(user: User | None = None, most: int | None = None) -> list[SignedIn]:
    """Everyone's sessions, or one person's, the newest first; no more than `most` are read.

    Raises StoreUnavailable.
    """
    with _store():
        found = session_index.sessions_of(user.pk) if user else session_index.sessions_to_show()
        seen = list(_with_emails(islice(found, most)))
    return sorted(seen, key=session_index.age_key, reverse=True)


def people_signed_in() -> list[tuple[str, datetime]]:
    """Who came in last and has a session now: email and time of the sign-in, the newest first.

    The last few hundred sign-ins within a session's life are looked at, whatever the number of
    sessions: a page may ask. Raises StoreUnavailable.
    """
    since = timezone.now() - timedelta(hours=conf.SESSION_HOURS)
    rows = SignIn.objects.filter(at__gt=since, outcome=SignIn.Outcome.ADMITTED).order_by("-at")
    came: dict[str, tuple[str, datetime]] = {}
    for key, email, at in rows.values_list("user_id", f"user__{users.email_field()}", "at")[
        :_SIGN_INS_LOOKED_AT
    ]:
        came.setdefault(str(key), (email or "", at))
    with _store():
        here = session_index.those_signed_in(list(came))
    return [facts for key, facts in came.items() if key in here]


def end(handle: str, user: User | None = None) -> SignedIn:
    """End one session; of this person, when it is known whose.

    Raises NoSuchSession, StoreUnavailable.
    """
    with _store():
        among = session_index.sessions_of(user.pk) if user else session_index.all_sessions()
        found = next((session for session in among if session.handle == handle), None)
        if found is None or not session_index.end_session(found.name):
            raise NoSuchSession(handle)
        ended = next(_with_emails([found]))
    _record(users.by_key(ended.user_id), 1, handle=handle)
    return ended


def handle_of(session_key: str | None) -> str:
    """The handle of the session that this cookie opens."""
    return name_of(session_key)[:HANDLE_LENGTH]


def end_all_of(user: User) -> int:
    """End every session of a person, from their next request on; returns how many were found.

    Raises StoreUnavailable when they could not be counted; they have ended all the same.
    """
    versions.end_all(user)
    _record(user, "all")
    with _store():
        return session_index.end_sessions(user.pk)


def end_oldest_of(user: User, session_key: str | None, most: int) -> int:
    """Leave the person this session and the newest others, `most` in all; returns how many ended.

    One sign-in of theirs at a time, and one whose session another has ended meanwhile ends none:
    two at once would end each other. Raises StoreUnavailable.
    """
    with transaction.atomic(), _store():
        users.everyone().select_for_update().get(pk=user.pk)
        found = session_index.sessions_of(user.pk)
        others = [session for session in found if session.handle != handle_of(session_key)]
        if len(others) == len(found):
            return 0
        ended = sum(session_index.end_session(session.name) for session in others[most - 1 :])
    if ended:
        _record(user, ended, because=f"more than {most} at once")
    return ended


def end_everyones() -> int:
    """Sign everybody out; returns how many sessions were ended."""
    with _store():
        ended = sum(session_index.end_session(s.name) for s in session_index.all_sessions())
    _record(None, ended, whose="everyone's")
    return ended


def _record(user: User | None, sessions: int | str, **more: str) -> None:
    if not audit.present().silent:
        audit.write("sessions.ended", user, after={"sessions": sessions, **more})


@contextmanager
def _store() -> Iterator[None]:
    try:
        yield
    except STORE_ERRORS as error:
        raise StoreUnavailable from error


def _with_emails(sessions: Iterable[SignedIn]) -> Iterator[SignedIn]:
    """One query for some hundreds of sessions; a session outlives a user who was deleted."""
    remaining = iter(sessions)
    while chunk := list(islice(remaining, _CHUNK)):
        emails = _emails({session.user_id for session in chunk})
        for session in chunk:
            yield replace(session, email=emails.get(session.user_id, ""))


def _emails(keys: set[str]) -> dict[str, str]:
    try:
        found = users.everyone().filter(pk__in=keys).values_list("pk", users.email_field())
        return {str(pk): email or "" for pk, email in found}
    except (ValueError, ValidationError):  # keys of another user model
        return {}
