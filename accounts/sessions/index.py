"""Who is signed in, and signing them out: the same questions to Redis and to the database.

Redis keeps the names of each person's sessions in a sorted set, written when they sign in. The
database, which holds the sessions of development sites only, is read from end to end. A name is a
hash of the cookie: nothing that is read here lets anyone in.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
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
from .entries import HANDLE_LENGTH, name_of, opened_entry
from .store import cache_key, index_key, owners

_BATCH: Final = 500
# Engines whose rows can be looked through; the second has copies in a cache as well.
_ROWS: Final = ("backends.db", "backends.cached_db", "sessions.database")
_LOOKED_AT: Final = 5  # sessions of one person, to see whether any is there
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session of someone who is signed in: since when, from where, with what, until when."""

    name: str
    user_id: str
    since: datetime | None
    expires: datetime
    client_ip: str
    user_agent: str
    email: str = ""  # where it was asked for

    @property
    def handle(self) -> str:
        """The beginning of its name, for pages, logs and commands; of a key, that of its hash."""
        return (name_of(self.name) if is_a_host() else self.name)[:HANDLE_LENGTH]


def can_be_listed() -> bool:
    """Whether sessions are where they can be looked through: in another site they may not be."""
    return not is_a_host() or settings.SESSION_ENGINE.endswith(_ROWS)


def all_sessions() -> Iterator[SignedIn]:
    """Everyone who is signed in now, in no order."""
    return _store().every()


def sessions_to_show() -> Iterator[SignedIn]:
    """Likewise, as far as a page may look through them."""
    return _store().to_show()


def sessions_of(user_pk: object) -> list[SignedIn]:
    """A person's sessions, the newest first."""
    found = [session for session in _store().of(str(user_pk)) if session.user_id == str(user_pk)]
    return sorted(found, key=age_key, reverse=True)


def age_key(session: SignedIn) -> tuple[datetime, datetime]:
    """To sort by: one that does not say since when counts as the oldest."""
    return session.since or _LONG_AGO, session.expires


def those_signed_in(user_ids: Sequence[str]) -> set[str]:
    """Which of these people have a session now: two round trips, however many they are."""
    return _store().those_signed_in(user_ids)


def end_sessions(user_pk: object) -> int:
    """Sign a person out everywhere, from their next request on; returns of how many sessions."""
    return _store().end_of(str(user_pk))


def end_sessions_of_sid(sid_hash: str) -> int:
    """End the sessions of one browser session at Microsoft; returns how many."""
    return _store().end_of(f"sid:{sid_hash}")


def end_session(name: str) -> bool:
    """End one session; False when it was gone already."""
    return _store().end([name]) == 1


class _Store:
    """Of a site whose sessions are where nobody can look through them: versions end them."""

    def every(self) -> Iterator[SignedIn]:
        return iter(())

    def to_show(self) -> Iterator[SignedIn]:
        return self.every()

    def of(self, user_id: str) -> Iterator[SignedIn]:
        return (session for session in self.to_show() if session.user_id == user_id)

    def those_signed_in(self, user_ids: Sequence[str]) -> set[str]:
        return {session.user_id for session in self.to_show()} & set(user_ids)

    def end_of(self, owner: str) -> int:
        """`owner`: a user's key, or the `sid` of a browser session at Microsoft."""
        return 0

    def end(self, names: Sequence[str]) -> int:
        return 0


class _InRedis(_Store):
    def __init__(self) -> None:
        self._client: Any = caches[settings.SESSION_CACHE_ALIAS].client  # type: ignore[attr-defined]
        self._redis: Any = self._client.get_client(write=True)

    @override
    def every(self) -> Iterator[SignedIn]:
        start = self._key("")
        batch: list[str] = []
        for key in self._redis.scan_iter(match=f"{glob_escape(start)}*", count=_BATCH):
            batch.append(key.decode().removeprefix(start))
            if len(batch) == _BATCH:
                yield from self._read(batch)
                batch = []
        yield from self._read(batch)

    @override
    def of(self, user_id: str) -> Iterator[SignedIn]:
        self._redis.zremrangebyscore(self._index(user_id), 0, time.time())
        names = self._names_of(user_id)
        for start in range(0, len(names), _BATCH):
            yield from self._read(names[start : start + _BATCH])

    @override
    def those_signed_in(self, user_ids: Sequence[str]) -> set[str]:
        with self._redis.pipeline(transaction=False) as pipe:
            for user_id in user_ids:
                pipe.zrevrangebyscore(self._index(user_id), "+inf", time.time(), 0, _LOOKED_AT)
            found = zip(user_ids, pipe.execute(), strict=True)
            names = [(user_id, name) for user_id, of_one in found for name in of_one]
        with self._redis.pipeline(transaction=False) as pipe:
            for _user_id, name in names:
                pipe.exists(self._key(name.decode()))
            there = pipe.execute()
        return {whose for (whose, _name), exists in zip(names, there, strict=True) if exists}

    @override
    def end_of(self, owner: str) -> int:
        ended = self.end(self._names_of(owner))
        self._redis.delete(self._index(owner))
        return ended

    @override
    def end(self, names: Sequence[str]) -> int:
        return int(self._redis.delete(*map(self._key, names))) if names else 0

    def _names_of(self, owner: str) -> list[str]:
        return [name.decode() for name in self._redis.zrange(self._index(owner), 0, -1)]

    def _read(self, names: Sequence[str]) -> Iterator[SignedIn]:
        if not names:
            return
        with self._redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.get(self._key(name)).pttl(self._key(name))
            answers = pipe.execute()
        for name, raw, left in zip(names, answers[::2], answers[1::2], strict=True):
            expires = timezone.now() + timedelta(milliseconds=left)
            with suppress(ValueError):  # not JSON: not ours
                text = self._client.decode(raw) if raw else None
                yield from _signed_in(name, opened_entry(name, text), expires)

    def _key(self, name: str) -> str:
        return str(self._client.make_key(cache_key(name)))

    def _index(self, owner: str) -> str:
        return str(self._client.make_key(index_key(owner)))


class _InDatabase(_Store):
    @override
    def every(self) -> Iterator[SignedIn]:
        return self._read(Session.objects.filter(expire_date__gt=timezone.now()))

    @override
    def to_show(self) -> Iterator[SignedIn]:
        """Another site's own people have sessions for weeks: millions of rows, perhaps.

        Those of a sign-in of ours end within SESSION_HOURS, unless it was more when they began.
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
    def end_of(self, owner: str) -> int:
        rows = Session.objects.filter(expire_date__gt=timezone.now())
        read = ((row.session_key, _read_row(row)) for row in rows)
        return self.end([name for name, data in read if owner in owners(data)])

    @override
    def end(self, names: Sequence[str]) -> int:
        deleted, _each = Session.objects.filter(session_key__in=names).delete()
        engine = import_module(settings.SESSION_ENGINE).SessionStore
        if prefix := getattr(engine, "cache_key_prefix", ""):
            caches[settings.SESSION_CACHE_ALIAS].delete_many([f"{prefix}{name}" for name in names])
        return deleted


def _read_row(row: Session) -> dict[str, Any]:
    """What is in it: ours is sealed; that of another site's engine only its own code reads."""
    if is_a_host():
        found: dict[str, Any] = row.get_decoded()
        return found
    return opened_entry(row.session_key, row.session_data) or {}


def _store() -> _Store:
    if not can_be_listed():
        return _Store()
    is_redis = hasattr(caches[settings.SESSION_CACHE_ALIAS], "client")
    return _InRedis() if conf.REDIS_URL and is_redis else _InDatabase()


def _signed_in(name: str, data: dict[str, Any] | None, expires: datetime) -> Iterator[SignedIn]:
    """Nothing of a session in which nobody is signed in."""
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
