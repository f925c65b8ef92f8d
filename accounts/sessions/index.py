"""Who is signed in, and signing them out: in Redis and in the database.

Redis keeps the names of each person's sessions in a sorted set, written when they sign in. The
database, which holds the sessions of development sites only, is read from end to end. A name is a
hash of the cookie: nothing that is read here lets anyone in.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.db.models import QuerySet
from django.utils import timezone
from django_redis.client.default import glob_escape
from typing_extensions import override

from ..app import NAME
from ..conf import conf, is_a_host
from ..stores.batches import in_batches
from .entries import HANDLE_LENGTH, name_of, opened_entry
from .store import cache_key, index_key, owners

# Engines whose rows can be listed; the second has copies in a cache as well.
_ROWS: Final = ("backends.db", "backends.cached_db", "sessions.database")
_LOOKED_AT: Final = 5  # sessions of one person, to see whether any is still open
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session in which someone is signed in."""

    name: str
    user_id: str
    since: datetime | None
    expires: datetime
    client_ip: str
    user_agent: str
    email: str = ""  # filled in by the service

    @property
    def handle(self) -> str:
        """The beginning of its name, for pages, logs and commands; never of a key."""
        return (name_of(self.name) if is_a_host() else self.name)[:HANDLE_LENGTH]


def can_be_listed() -> bool:
    """Whether the session engine can list sessions, which another site's may not."""
    return not is_a_host() or settings.SESSION_ENGINE.endswith(_ROWS)


def age_key(session: SignedIn) -> tuple[datetime, datetime]:
    """For sorting by age; one without a time of sign-in counts as the oldest."""
    return session.since or _LONG_AGO, session.expires


def sessions() -> Sessions:
    """The sessions of this site, wherever they are stored."""
    if not can_be_listed():
        return Sessions()
    is_redis = hasattr(caches[settings.SESSION_CACHE_ALIAS], "client")
    return _InRedis() if conf.REDIS_URL and is_redis else _InDatabase()


class Sessions:
    """This class itself is of a site whose sessions cannot be listed: versions end those."""

    def all(self) -> Iterator[SignedIn]:
        """Everyone who is signed in now, in no order."""
        return iter(())

    def to_show(self) -> Iterator[SignedIn]:
        """Likewise, as far as a page may look through them."""
        return self.all()

    def of(self, user_pk: object) -> list[SignedIn]:
        """A person's sessions, the newest first."""
        found = [one for one in self._listed_for(str(user_pk)) if one.user_id == str(user_pk)]
        return sorted(found, key=age_key, reverse=True)

    def those_signed_in(self, user_ids: Sequence[str]) -> set[str]:
        """Which of these people have a session now; two round trips to Redis, however many."""
        return {session.user_id for session in self.to_show()} & set(user_ids)

    def end_all_of(self, owner: object) -> int:
        """End a person's sessions, from the next request on; returns how many.

        `owner` is the user's key, or `sid_owner` of a browser session at Microsoft.
        """
        return 0

    def end(self, *names: str) -> int:
        """End these; returns how many were still open."""
        return 0

    def _listed_for(self, user_id: str) -> Iterator[SignedIn]:
        return self.to_show()


class _InRedis(Sessions):
    def __init__(self) -> None:
        self._client: Any = caches[settings.SESSION_CACHE_ALIAS].client  # type: ignore[attr-defined]
        self._redis: Any = self._client.get_client(write=True)

    @override
    def all(self) -> Iterator[SignedIn]:
        start = self._key("")
        keys = self._redis.scan_iter(match=f"{glob_escape(start)}*", count=500)
        return self._read(key.decode().removeprefix(start) for key in keys)

    @override
    def _listed_for(self, user_id: str) -> Iterator[SignedIn]:
        self._redis.zremrangebyscore(self._index(user_id), 0, time.time())
        return self._read(self._names_of(user_id))

    @override
    def those_signed_in(self, user_ids: Sequence[str]) -> set[str]:
        with self._redis.pipeline(transaction=False) as pipe:
            for user_id in user_ids:
                pipe.zrevrangebyscore(self._index(user_id), "+inf", time.time(), 0, _LOOKED_AT)
            by_user = zip(user_ids, pipe.execute(), strict=True)
            names = [(user_id, name) for user_id, of_one in by_user for name in of_one]
        with self._redis.pipeline(transaction=False) as pipe:
            for _user_id, name in names:
                pipe.exists(self._key(name.decode()))
            found = pipe.execute()
        return {user_id for (user_id, _), is_open in zip(names, found, strict=True) if is_open}

    @override
    def end_all_of(self, owner: object) -> int:
        ended = self.end(*self._names_of(owner))
        self._redis.delete(self._index(owner))
        return ended

    @override
    def end(self, *names: str) -> int:
        return int(self._redis.delete(*map(self._key, names))) if names else 0

    def _names_of(self, owner: object) -> list[str]:
        return [name.decode() for name in self._redis.zrange(self._index(owner), 0, -1)]

    def _read(self, names: Iterable[str]) -> Iterator[SignedIn]:
        for batch in in_batches(names):
            yield from self._read_batch(batch)

    def _read_batch(self, names: Sequence[str]) -> Iterator[SignedIn]:
        with self._redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.get(self._key(name)).pttl(self._key(name))
            answers = pipe.execute()
        for name, raw, left in zip(names, answers[::2], answers[1::2], strict=True):
            expires = timezone.now() + timedelta(milliseconds=left)
            with suppress(ValueError):  # not JSON, so not of this site
                text = self._client.decode(raw) if raw else None
                yield from _signed_in(name, opened_entry(name, text), expires)

    def _key(self, name: str) -> str:
        return str(self._client.make_key(cache_key(name)))

    def _index(self, owner: object) -> str:
        return str(self._client.make_key(index_key(owner)))


class _InDatabase(Sessions):
    @override
    def all(self) -> Iterator[SignedIn]:
        return self._read(Session.objects.filter(expire_date__gt=timezone.now()))

    @override
    def to_show(self) -> Iterator[SignedIn]:
        """Those that end within SESSION_HOURS, as staff's do.

        Another site's own people have sessions for weeks, perhaps millions of rows.
        """
        now = timezone.now()
        ends = now + timedelta(hours=conf.SESSION_HOURS)
        return self._read(Session.objects.filter(expire_date__gt=now, expire_date__lte=ends))

    def _read(self, rows: QuerySet[Session]) -> Iterator[SignedIn]:
        for row in rows.iterator():
            data = _read_row(row)
            if not is_a_host() or str(data.get(BACKEND_SESSION_KEY, "")).startswith(f"{NAME}."):
                yield from _signed_in(row.session_key, data, row.expire_date)

    @override
    def end_all_of(self, owner: object) -> int:
        rows = Session.objects.filter(expire_date__gt=timezone.now())
        read = ((row.session_key, _read_row(row)) for row in rows)
        return self.end(*(name for name, data in read if str(owner) in owners(data)))

    @override
    def end(self, *names: str) -> int:
        deleted, _each = Session.objects.filter(session_key__in=names).delete()
        engine = import_module(settings.SESSION_ENGINE).SessionStore
        if prefix := getattr(engine, "cache_key_prefix", ""):
            caches[settings.SESSION_CACHE_ALIAS].delete_many([f"{prefix}{name}" for name in names])
        return deleted


def _read_row(row: Session) -> dict[str, Any]:
    """The row's data, unsealed; another site's engine has a form of its own."""
    if is_a_host():
        found: dict[str, Any] = row.get_decoded()
        return found
    return opened_entry(row.session_key, row.session_data) or {}


def _signed_in(name: str, data: dict[str, Any] | None, expires: datetime) -> Iterator[SignedIn]:
    """Yields nothing for a session in which nobody is signed in."""
    if data and SESSION_KEY in data:
        yield SignedIn(
            name=name,
            user_id=str(data[SESSION_KEY]),
            since=_time(data.get("signed_in_at")),
            expires=expires,
            client_ip=str(data.get("client_ip", "")),
            user_agent=str(data.get("user_agent", "")),
        )


def _time(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC)
    except ValueError:
        return None
