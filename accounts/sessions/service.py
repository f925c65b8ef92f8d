"""What operators and admins do with sessions: list them, and sign people out.

A session is named by its handle, which does not open it.
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
from ..stores.batches import in_batches
from ..stores.outages import STORE_ERRORS
from . import versions
from .entries import HANDLE_LENGTH, name_of
from .index import Sessions, SignedIn, age_key, sessions

COLUMNS: Final = ("handle", "email", "since", "expires", "client_ip", "user_agent")
_SIGN_INS_LOOKED_AT: Final = 300


class StoreUnavailable(Exception):
    """The session store did not answer: a single session may not have been ended."""

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
    """Everyone's sessions, or one person's, the newest first; at most `most` are read.

    Raises StoreUnavailable.
    """
    with _available() as store:
        found = store.of(user.pk) if user else store.to_show()
        seen = list(_with_emails(islice(found, most)))
    return sorted(seen, key=age_key, reverse=True)


def people_signed_in() -> list[tuple[str, datetime]]:
    """Email and last sign-in of people who have a session now, the newest first.

    Only the last few hundred sign-ins are looked at, since a page asks. Raises StoreUnavailable.
    """
    since = timezone.now() - timedelta(hours=conf.SESSION_HOURS)
    rows = SignIn.objects.filter(at__gt=since, outcome=SignIn.Outcome.ADMITTED).order_by("-at")
    came: dict[str, tuple[str, datetime]] = {}
    for key, email, at in rows.values_list("user_id", f"user__{users.email_field()}", "at")[
        :_SIGN_INS_LOOKED_AT
    ]:
        came.setdefault(str(key), (email or "", at))
    with _available() as store:
        signed_in = store.those_signed_in(list(came))
    return [facts for key, facts in came.items() if key in signed_in]


def end(handle: str, user: User | None = None) -> SignedIn:
    """End one session, of this person if given.

    Raises NoSuchSession, StoreUnavailable.
    """
    with _available() as store:
        among = store.of(user.pk) if user else store.all()
        found = next((session for session in among if session.handle == handle), None)
        if found is None or not store.end(found.name):
            raise NoSuchSession(handle)
        ended = next(_with_emails([found]))
    _record(users.by_key(ended.user_id), 1, handle=handle)
    return ended


def handle_of(session_key: str | None) -> str:
    """The handle of the session with this key."""
    return name_of(session_key)[:HANDLE_LENGTH]


def end_all_of(user: User) -> int:
    """End every session of a person, from their next request on; returns how many were found.

    Raises StoreUnavailable when they could not be counted; they have ended all the same.
    """
    versions.end_all(user)
    _record(user, "all")
    with _available() as store:
        return store.end_all_of(user.pk)


def end_oldest_of(user: User, session_key: str | None, most: int) -> int:
    """Leave the person this session and the newest others, `most` in all; returns how many ended.

    Sign-ins of one person wait for each other, and one whose session has been ended meanwhile ends
    none: two at once would end each other's. Raises StoreUnavailable.
    """
    with transaction.atomic(), _available() as store:
        users.everyone().select_for_update().get(pk=user.pk)
        found = store.of(user.pk)
        others = [session for session in found if session.handle != handle_of(session_key)]
        if len(others) == len(found):
            return 0
        ended = store.end(*(session.name for session in others[most - 1 :]))
    if ended:
        _record(user, ended, because=f"more than {most} at once")
    return ended


def end_everyones() -> int:
    """Sign everybody out; returns how many sessions were ended."""
    with _available() as store:
        ended = sum(store.end(session.name) for session in store.all())
    _record(None, ended, whose="everyone's")
    return ended


def _record(user: User | None, sessions: int | str, **more: str) -> None:
    if not audit.present().silent:
        audit.write("sessions.ended", user, after={"sessions": sessions, **more})


@contextmanager
def _available() -> Iterator[Sessions]:
    try:
        yield sessions()
    except STORE_ERRORS as error:
        raise StoreUnavailable from error


def _with_emails(found: Iterable[SignedIn]) -> Iterator[SignedIn]:
    """One query for some hundreds of sessions; the user of a session may have been deleted."""
    for batch in in_batches(found):
        emails = _emails({session.user_id for session in batch})
        for session in batch:
            yield replace(session, email=emails.get(session.user_id, ""))


def _emails(keys: set[str]) -> dict[str, str]:
    try:
        found = users.everyone().filter(pk__in=keys).values_list("pk", users.email_field())
        return {str(pk): email or "" for pk, email in found}
    except (ValueError, ValidationError):  # keys of another user model
        return {}
