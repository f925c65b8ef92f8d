"""Who is signed in, and signing them out: over the index of sessions, Redis's or the database's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django_redis.exceptions import ConnectionInterrupted
from redis.exceptions import RedisError

from accounts.web import session_index

if TYPE_CHECKING:
    from accounts.models import User

_STORE_ERRORS: Final = (RedisError, ConnectionInterrupted)


class StoreAway(Exception):
    """The session store did not answer; nothing was ended."""


def end_all_of(user: User) -> int:
    """End every session of a person, from their next request on; returns how many."""
    try:
        return session_index.end_sessions(user.pk)
    except _STORE_ERRORS as error:
        raise StoreAway from error
