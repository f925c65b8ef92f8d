"""Who waits for Microsoft, how many at once, and for how long.

When Microsoft hangs, every thread of a process would soon wait for it and no page would be
served. So only a few may wait; the next one is told at once (a bulkhead). What one sign-in
spent waiting is summed for its record.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from accounts.signin.reasons import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator


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

    def __init__(self, seats: int) -> None:
        self._seats = threading.Semaphore(seats)

    @contextmanager
    def seat(self) -> Iterator[None]:
        if _inside.get():
            yield
            return
        if not self._seats.acquire(blocking=False):
            raise Refused("microsoft_unreachable", "too many waiting")
        mark, started = _inside.set(True), time.monotonic()
        try:
            yield
        finally:
            _inside.reset(mark)
            self._seats.release()
            _add(time.monotonic() - started)


def _add(seconds: float) -> None:
    total = _total.get()
    if total is not None:
        total.seconds += seconds
