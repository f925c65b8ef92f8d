"""Sessions in Redis, for which an outage is an error and not an empty session.

Django's cache sessions swallow the store's errors: an unreachable Redis looks like an empty
session, and the middleware deletes everyone's cookie. Here the error is raised. Each operation is
one round trip, that of a sign-in, which replaces the session key, included.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.core.cache import caches
from redis.exceptions import ResponseError
from typing_extensions import override

from ..stores.outages import STORE_ERRORS
from .entries import name_of, opened_entry, sealed_entry

MICROSOFT: Final = "microsoft"  # the entry of web/microsoft_session.py
KEY_LENGTH: Final = 32
ATTEMPTS: Final = 5  # a random key of 128 bits is never taken
_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz0123456789"


class SessionStore(SessionBase):
    """Sealed in Redis, through django-redis; a session expires with its key."""

    _session: dict[str, Any]
    _session_cache: dict[str, Any]
    _modified = False
    _is_written = False  # and nothing has changed since

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key)
        self._cache: Any = caches[settings.SESSION_CACHE_ALIAS]
        self._outage: Exception | None = None
        self._signs_in = False
        self._is_renewed = False
        self._replaced: str | None = None

    @property  # type: ignore[explicit-override]  # mypy does not see it on both
    @override
    def modified(self) -> bool:
        """Whether the cookie is to be sent; Django sets it on every change."""
        return self._modified

    @modified.setter
    def modified(self, value: bool) -> None:
        self._modified = value
        self._is_written = self._is_written and not value

    @override
    def load(self) -> dict[str, Any]:
        """The session's data; {} and no key when there is none. An outage is met only once."""
        if self._outage is not None:
            raise self._outage
        name = name_of(self._session_key)
        try:
            data = opened_entry(name, self._cache.get(cache_key(name)))
        except ValueError:  # not JSON, so not of this site
            data = None
        except STORE_ERRORS as outage:
            self._outage = outage
            raise
        if data is None:
            self._session_key = None
        return data or {}

    @override
    def exists(self, session_key: str) -> bool:
        return bool(self._cache.has_key(cache_key(name_of(session_key))))

    @override
    def create(self) -> None:
        for _attempt in range(ATTEMPTS):
            self._session_key = _new_key()
            try:
                self.save(must_create=True)
            except CreateError:
                continue
            self._modified = True  # for the cookie; nothing has changed since it was written
            return
        raise RuntimeError("No session key is free: something is wrong with Redis.")

    @override
    def save(self, must_create: bool = False) -> None:
        """Write it, if new only where there is none, else only where there is one.

        What a sign-in wrote in its transaction is not written again by the middleware.
        """
        if self._is_written and not must_create:
            return
        if self._session_key is None:
            self.create()
            return
        data = self._get_session(no_load=must_create)
        if self._signs_in or self._is_renewed:
            written = self._write_sign_in(data, must_create=must_create)
        else:
            written = self._write(data, must_create=must_create)
        if not written:
            raise CreateError if must_create else UpdateError
        self._signs_in = self._is_renewed = False
        self._replaced = None
        self._is_written = True

    @override
    def delete(self, session_key: str | None = None) -> None:
        keys = [session_key] if session_key else [self._session_key, self._replaced]
        names = [cache_key(name_of(key)) for key in keys if key]
        if names:
            self._cache.delete_many(names)

    @override
    def cycle_key(self) -> None:
        """A new key for the same data; the old key is deleted in the round trip that saves the new.

        Until then the store is unchanged: a sign-in that fails leaves the session as it was.
        """
        self._session_cache = self._session
        self._replaced = self._replaced or self._session_key
        self._session_key = _new_key()
        self._is_renewed = self.modified = True

    @override
    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        self._signs_in = self._signs_in or key == SESSION_KEY

    @classmethod
    @override
    def clear_expired(cls) -> None:
        """Redis does it."""

    def _get_session(self, no_load: bool = False) -> dict[str, Any]:
        return super()._get_session(no_load=no_load)  # type: ignore[misc, no-any-return]

    def _validate_session_key(self, key: str | None) -> bool:
        """Only keys of the form made here are looked up in Redis."""
        return bool(key and len(key) == KEY_LENGTH and set(key) <= set(_ALPHABET))

    def _write(self, data: Mapping[str, Any], *, must_create: bool) -> bool:
        name = name_of(self._session_key)
        entry, lifetime = sealed_entry(name, data), max(1, self.get_expiry_age())
        return bool(
            self._cache.set(cache_key(name), entry, lifetime, nx=must_create, xx=not must_create)
        )

    def _write_sign_in(self, data: Mapping[str, Any], *, must_create: bool) -> bool:
        """A renewed key is written without a condition, so that it may be written again."""
        client, lifetime = self._cache.client, max(1, self.get_expiry_age())
        name = name_of(self._session_key)
        indexes = [client.make_key(index_key(whose)) for whose in owners(data)]
        with client.get_client(write=True).pipeline(transaction=False) as pipe:
            pipe.set(
                client.make_key(cache_key(name)),
                client.encode(sealed_entry(name, data)),
                ex=lifetime,
                nx=must_create,
                xx=not must_create and not self._is_renewed,
            )
            if self._replaced:
                pipe.delete(client.make_key(cache_key(name_of(self._replaced))))
            for index in indexes:
                _enter(pipe, index, name, lifetime)
            answers = pipe.execute(raise_on_error=False)
        if _has_wrong_type(answers):  # an index, whose name can be guessed
            client.get_client(write=True).delete(*indexes)
            for index in indexes:
                _enter(client.get_client(write=True), index, name, lifetime)
        _raise_other(answers)
        return bool(answers[0])


def _enter(redis: Any, index: str, name: str, lifetime: int) -> None:
    redis.zadd(index, {name: time.time() + lifetime})
    redis.expire(index, max(lifetime, settings.SESSION_COOKIE_AGE))


def _has_wrong_type(answers: Sequence[object]) -> bool:
    """Whether Redis has a value of another type there, which someone else has written."""
    return any(type(answer) is ResponseError for answer in answers)


def _raise_other(answers: Sequence[object]) -> None:
    for answer in answers:
        if isinstance(answer, Exception) and type(answer) is not ResponseError:
            raise answer


def cache_key(name: str) -> str:
    """The key in the cache of the session of this name."""
    return f"session:{name}"


def owners(data: Mapping[str, Any]) -> Iterator[str]:
    """The owners that a session is indexed by: its user, and its browser session at Microsoft."""
    if SESSION_KEY in data:
        yield str(data[SESSION_KEY])
        if sid_hash := data.get(MICROSOFT, {}).get("sid"):
            yield sid_owner(sid_hash)


def sid_owner(sid_hash: str) -> str:
    """The owner of the sessions of one browser session at Microsoft."""
    return f"sid:{sid_hash}"


def index_key(owner: object) -> str:
    """The key of the sorted set of an owner's sessions, by expiry."""
    return f"user-sessions:{owner}"


def _new_key() -> str:
    """Random; whether it is free shows when it is written."""
    return secrets.token_hex(KEY_LENGTH // 2)
