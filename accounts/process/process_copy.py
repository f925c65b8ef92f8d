"""A process's own copy of what the database says, read anew when another process changed it.

A counter in the shared cache, looked at once a second, tells every process of a change; what
changed behind Django's back is seen within a minute.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

from django.core.cache import cache

from ..stores.outages import STORE_ERRORS

T = TypeVar("T")
_LOOK_EVERY: Final = 1.0  # seconds until a change is seen by other processes
_READ_EVERY: Final = 60.0  # seconds until a change behind Django's back is seen


class ProcessCopy(Generic[T]):
    """What `read` returns, which may raise; `key` is of the counter in the cache."""

    def __init__(self, key: str, read: Callable[[], T]) -> None:
        self._key = key
        self._read = read
        self._lock = threading.Lock()
        self._held: T | None = None
        self._version: Any = None
        self._looked_at = 0.0
        self._read_at = 0.0

    def current(self) -> T:
        held, now = self._held, time.monotonic()
        if held is not None and now - self._looked_at < _LOOK_EVERY:
            return held
        with self._lock:
            return self._look(now)

    def forget(self) -> None:
        """Read anew when it is needed next, in this process."""
        self._held = None

    def changed(self) -> None:
        """Tell every process that it has changed."""
        self.forget()
        cache.set(self._key, time.time_ns(), timeout=None)

    def _look(self, now: float) -> T:
        version, held = self._version_now(), self._held
        if held is None or version != self._version or now - self._read_at > _READ_EVERY:
            held = self._read()
            self._held, self._version, self._read_at = held, version, now
        self._looked_at = now
        return held

    def _version_now(self) -> object:
        """Another at each look where the cache fails, or someone else has written there."""
        try:
            return cache.get(self._key)
        except (*STORE_ERRORS, ValueError, TypeError):
            return object()
