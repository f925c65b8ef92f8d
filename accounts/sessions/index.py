"""Who is signed in, and signing them out: the same questions to Redis and to the database.

Redis keeps the session keys of each person in a sorted set, written when they sign in. The
database, which holds the sessions of development sites only, is read from end to end.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.utils import timezone
from typing_extensions import override

from accounts.sessions.store import cache_key, index_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session of someone who is signed in."""

    key: str
    user_id: str
    expires_at: datetime
    signed_in_at: datetime | None
    client_ip: str
    user_agent: str

    @property
    def handle(self) -> str:
        """Names the session without being a key to it: fit for pages, logs and commands."""
        return hashlib.sha256(self.key.encode()).hexdigest()[:12]


def all_sessions() -> Iterator[SignedIn]:
    """Everyone who is signed in now, in no order."""
    return _store().every()


def sessions_of(user_pk: object) -> list[SignedIn]:
    """A person's sessions, the newest first."""
    found = [session for session in _store().of(str(user_pk)) if session.user_id == str(user_pk)]
    return sorted(found, key=lambda session: session.expires_at, reverse=True)


def end_sessions(user_pk: object) -> int:
    """Sign a person out everywhere, from their next request on; returns of how many sessions."""
    return _store().end_of(str(user_pk))


def end_session(key: str) -> bool:
    """End one session; False when it was gone already."""
    return _store().end([key]) == 1


class _Store(Protocol):
    def every(self) -> Iterator[SignedIn]: ...

    def of(self, user_id: str) -> Iterator[SignedIn]: ...

    def end_of(self, user_id: str) -> int: ...

    def end(self, keys: Sequence[str]) -> int: ...


class _InRedis(_Store):
    def __init__(self) -> None:
        self._client: Any = caches[settings.SESSION_CACHE_ALIAS].client  # type: ignore[attr-defined]
        self._redis: Any = self._client.get_client(write=True)

    @override
    def every(self) -> Iterator[SignedIn]:
        start = self._name("")
        batch: list[str] = []
        for name in self._redis.scan_iter(match=f"{start}*", count=_BATCH):
            batch.append(name.decode().removeprefix(start))
            if len(batch) == _BATCH:
                yield from self._read(batch)
                batch = []
        yield from self._read(batch)

    @override
    def of(self, user_id: str) -> Iterator[SignedIn]:
        self._redis.zremrangebyscore(self._index(user_id), 0, time.time())
        keys = self._keys_of(user_id)
        for start in range(0, len(keys), _BATCH):
            yield from self._read(keys[start : start + _BATCH])

    @override
    def end_of(self, user_id: str) -> int:
        ended = self.end(self._keys_of(user_id))
        self._redis.delete(self._index(user_id))
        return ended

    @override
    def end(self, keys: Sequence[str]) -> int:
        return int(self._redis.delete(*map(self._name, keys))) if keys else 0

    def _keys_of(self, user_id: str) -> list[str]:
        return [key.decode() for key in self._redis.zrange(self._index(user_id), 0, -1)]

    def _read(self, keys: Sequence[str]) -> Iterator[SignedIn]:
        if not keys:
            return
        with self._redis.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.get(self._name(key)).pttl(self._name(key))
            answers = pipe.execute()
        for key, raw, left in zip(keys, answers[::2], answers[1::2], strict=True):
            data = self._decoded(raw)
            if SESSION_KEY in data:
                yield _signed_in(key, data, timezone.now() + timedelta(milliseconds=left))

    def _decoded(self, raw: bytes | None) -> dict[str, Any]:
        try:
            data = self._client.decode(raw) if raw else None
        except ValueError:
            data = None
        return data if isinstance(data, dict) else {}

    def _name(self, key: str) -> str:
        return str(self._client.make_key(cache_key(key)))

    def _index(self, user_id: str) -> str:
        return str(self._client.make_key(index_key(user_id)))


class _InDatabase(_Store):
    @override
    def every(self) -> Iterator[SignedIn]:
        for row in Session.objects.filter(expire_date__gt=timezone.now()).iterator():
            data = row.get_decoded()
            if SESSION_KEY in data:
                yield _signed_in(row.session_key, data, row.expire_date)

    @override
    def of(self, user_id: str) -> Iterator[SignedIn]:
        return (session for session in self.every() if session.user_id == user_id)

    @override
    def end_of(self, user_id: str) -> int:
        return self.end([session.key for session in self.of(user_id)])

    @override
    def end(self, keys: Sequence[str]) -> int:
        deleted, _each = Session.objects.filter(session_key__in=keys).delete()
        return deleted


def _store() -> _Store:
    return _InRedis() if settings.REDIS_URL else _InDatabase()


def _signed_in(key: str, data: dict[str, Any], expires_at: datetime) -> SignedIn:
    return SignedIn(
        key=key,
        user_id=str(data[SESSION_KEY]),
        expires_at=expires_at,
        signed_in_at=_time(data.get("signed_in_at")),
        client_ip=str(data.get("client_ip", "")),
        user_agent=str(data.get("user_agent", "")),
    )


def _time(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC)
    except ValueError:
        return None
