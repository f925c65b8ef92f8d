"""A process's copy of database rows, read again when another process has changed them.

A version in the shared cache, looked up once a second, tells every process of a change. Rows
changed behind Django's back are seen within a minute.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

from django.core.cache import cache

from ..stores.outages import STORE_ERRORS

T = TypeVar("T")
_CHECK_SECONDS: Final = 1.0  # between two look-ups of the version
_READ_SECONDS: Final = 60.0  # between two reads while the version stays the same


class ProcessCopy(Generic[T]):
    """A copy of what `read` returns; the cache has its version under `key`."""

    def __init__(self, key: str, read: Callable[[], T]) -> None:
        self._key = key
        self._read = read
        self._lock = threading.Lock()
        self._copy: T | None = None
        self._version: Any = None
        self._checked_at = 0.0
        self._read_at = 0.0

    def current(self) -> T:
        """The copy, up to date. Raises what `read` raises."""
        copy, now = self._copy, time.monotonic()
        if copy is not None and now - self._checked_at < _CHECK_SECONDS:
            return copy
        with self._lock:
            return self._refreshed(now)

    def forget(self) -> None:
        """Have this process read again when the copy is next needed."""
        self._copy = None

    def changed(self) -> None:
        """Have every process read again."""
        self.forget()
        cache.set(self._key, time.time_ns(), timeout=None)

    def _refreshed(self, now: float) -> T:
        version, copy = self._shared_version(), self._copy
        if copy is None or version != self._version or now - self._read_at > _READ_SECONDS:
            copy = self._read()
            self._copy, self._version, self._read_at = copy, version, now
        self._checked_at = now
        return copy

    def _shared_version(self) -> object:
        """A new one each time if the cache fails or holds something unreadable."""
        try:
            return cache.get(self._key)
        except (*STORE_ERRORS, ValueError, TypeError):
            return object()
