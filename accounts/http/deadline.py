"""The one mechanism that bounds a wait: work runs in a helper thread, and nobody waits longer.

Socket time-outs start anew with every byte, name look-ups and drivers have none that can be
relied on. So whatever may hang runs in a daemon thread; who asked waits for its result until
a moment that was fixed before, then tells the work to stop and leaves it behind.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from contextlib import contextmanager, suppress
from math import ceil
from queue import SimpleQueue
from typing import Any, Final, Generic, TypeVar

from ..process.per_process import PerProcess

T = TypeVar("T")

_MOST: Final = 64  # threads of one process, those included that hang


class TimeUp(TimeoutError):
    """The work had no result in time; it was left behind."""


class Deadline:
    """How long one request may wait in all: made when it begins, and handed on to all it asks.

    `party` is on whose behalf it waits (see bulkhead); None says that nobody's request does.
    What was spent waiting is summed in `waited`, in seconds.
    """

    __slots__ = ("_ends", "party", "waited")

    def __init__(self, seconds: float, party: str | None = "") -> None:
        self._ends = time.monotonic() + seconds
        self.party = party
        self.waited = 0.0

    def left(self) -> float:
        """Seconds, never below zero."""
        return max(0.0, self._ends - time.monotonic())

    @property
    def waited_ms(self) -> int:
        """What was spent waiting so far, in milliseconds; 0 only where nothing was waited for."""
        return ceil(self.waited * 1000)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """What happens inside counts as waiting."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.waited += time.monotonic() - began


class Helpers:
    """Daemon threads that are used again; a new one starts when none is idle."""

    def __init__(self, most: int = _MOST) -> None:
        self._jobs: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._threads = 0
        self._most = most

    def start(self, work: Callable[[], T]) -> Future[T]:
        """Run the work as soon as a thread is there for it."""
        future: Future[T] = Future()
        self._jobs.put((future, work))
        if not self._idle.acquire(blocking=False):
            self._grow()
        return future

    def _grow(self) -> None:
        """At the limit, or when the system gives no thread, the next one that is idle takes it."""
        with self._lock:
            if self._threads < self._most:
                with suppress(RuntimeError):
                    threading.Thread(target=self._serve, name="helper", daemon=True).start()
                    self._threads += 1

    def _serve(self) -> None:
        while True:
            _run(*self._jobs.get())
            self._idle.release()


def _run(future: Future[T], work: Callable[[], T]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = work()
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)


_helpers = PerProcess(Helpers)


def within(seconds: float, work: Callable[[], T], abandon: Callable[[], None] | None = None) -> T:
    """The work's result, or what it raised. Raises TimeUp when that takes longer.

    `abandon` is then called, to make the work end soon; work that had not begun never will.
    """
    future = _helpers.get().start(work)
    try:
        return result_of(future, seconds)
    except TimeUp:
        if not future.cancel() and abandon is not None:
            abandon()
        raise


def in_background(work: Callable[[], T]) -> Future[T]:
    """Start work that the caller does not wait for."""
    return _helpers.get().start(work)


def result_of(future: Future[T], seconds: float) -> T:
    """What the work brings, or raises. Raises TimeUp; the work goes on."""
    try:
        return future.result(max(0.0, seconds))
    except NotYet:
        if future.done():
            raise  # the work's own
        raise TimeUp(f"no answer within {seconds:.1f} s") from None


class SingleFlight(Generic[T]):
    """Many want the same work done: it is done once at a time, and each waits in their own time."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._flight: Future[T] | None = None

    def start(self) -> Future[T]:
        """The flight that is under way, or a new one."""
        with self._lock:
            if self._flight is None or self._flight.done():
                self._flight = in_background(self._work)
            return self._flight

    def result(self, seconds: float) -> T:
        """What the flight brings, or raises. Raises TimeUp; the flight goes on for the others."""
        return result_of(self.start(), seconds)

    @property
    def is_under_way(self) -> bool:
        flight = self._flight
        return flight is not None and not flight.done()
