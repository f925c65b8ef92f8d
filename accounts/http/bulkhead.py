"""Who waits for Microsoft, how many at once, and for how long.

When Microsoft hangs, every thread of a process would soon wait for it and no page would be
served. So only a few may wait (a bulkhead). A burst of sign-ins must not be refused for that:
a few more stand at the door for a moment, and whoever comes then is told at once. Both
together are fewer than the threads of a process. What one sign-in spent waiting is summed for
its record.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from accounts.reasons import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

AT_DOOR = 4
PATIENCE = 2.0  # seconds; of the same ten that the request has


@dataclass(slots=True)
class _Total:
    seconds: float = 0.0


_total: ContextVar[_Total | None] = ContextVar("waited", default=None)
_inside: ContextVar[bool] = ContextVar("inside_waiting_room", default=False)


def start_waiting_clock() -> None:
    """Count from zero in this thread or context: the sign-in that starts here."""
    _total.set(_Total())


def waited_ms() -> int:
    """Milliseconds spent waiting for Microsoft since the clock started."""
    total = _total.get()
    return round(total.seconds * 1000) if total else 0


class WaitingRoom:
    """At most `seats` threads are inside; entering twice in one thread takes one seat."""

    def __init__(self, seats: int, *, at_door: int = AT_DOOR, patience: float = PATIENCE) -> None:
        self._seats = threading.Semaphore(seats)
        self._places = threading.Semaphore(seats + at_door)
        self._patience = patience

    @contextmanager
    def seat(self) -> Iterator[None]:
        if _inside.get():
            yield
            return
        started = time.monotonic()
        self._enter()
        mark = _inside.set(True)
        try:
            yield
        finally:
            _inside.reset(mark)
            self._seats.release()
            self._places.release()
            _add(time.monotonic() - started)

    def _enter(self) -> None:
        if self._places.acquire(blocking=False):
            if self._seats.acquire(timeout=self._patience):
                return
            self._places.release()
        raise Refused("microsoft_unreachable", "too many waiting")


def _add(seconds: float) -> None:
    total = _total.get()
    if total is not None:
        total.seconds += seconds
