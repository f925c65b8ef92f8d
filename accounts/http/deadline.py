"""The one mechanism that bounds a wait: a helper thread does the work, the caller waits so long.

Socket time-outs start over with every byte; DNS look-ups and drivers have no reliable ones. So
whatever may hang runs in a daemon thread. The caller waits for its result until a deadline, then
tells the work to stop and returns without it.
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

_MAX_THREADS: Final = 64  # of one process, including those that hang


class TimeUp(TimeoutError):
    """The work had no result in time."""


class Deadline:
    """How long one request may wait in all: made when it begins, passed to everything it calls.

    `party` is the client address it waits for (see bulkhead); None for background work.
    `waited` is the time spent waiting so far, in seconds.
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
        """The same in milliseconds, rounded up: 0 only if nothing was waited for."""
        return ceil(self.waited * 1000)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the time spent in the block as waiting."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.waited += time.monotonic() - began


class Helpers:
    """A pool of daemon threads, which grows when none is idle.

    Not a ThreadPoolExecutor: its threads are joined at exit, however long they hang.
    """

    def __init__(self, max_threads: int = _MAX_THREADS) -> None:
        self._jobs: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._threads = 0
        self._max_threads = max_threads

    def start(self, work: Callable[[], T]) -> Future[T]:
        """Run the work as soon as a thread is free."""
        future: Future[T] = Future()
        self._jobs.put((future, work))
        if not self._idle.acquire(blocking=False):
            self._grow()
        return future

    def _grow(self) -> None:
        """At the limit, or if the system refuses a thread, the next idle one takes the work."""
        with self._lock:
            if self._threads < self._max_threads:
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
    """The work's result, or what it raised. Raises TimeUp if it takes longer.

    `abandon` is then called to make the work end soon; work that has not begun is cancelled.
    """
    future = _helpers.get().start(work)
    try:
        return result_of(future, seconds)
    except TimeUp:
        if not future.cancel() and abandon is not None:
            abandon()
        raise


def in_background(work: Callable[[], T]) -> Future[T]:
    """Start the work without waiting for it."""
    return _helpers.get().start(work)


def result_of(future: Future[T], seconds: float) -> T:
    """The work's result, or what it raised. Raises TimeUp; the work continues."""
    try:
        return future.result(max(0.0, seconds))
    except NotYet:
        if future.done():
            raise  # the work's own time-out
        raise TimeUp(f"no answer within {seconds:.1f} s") from None


class SingleFlight(Generic[T]):
    """Concurrent callers share one run of the work; each waits as long as it can itself."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._flight: Future[T] | None = None

    def start(self) -> Future[T]:
        """The run in progress, or a new one."""
        with self._lock:
            if self._flight is None or self._flight.done():
                self._flight = in_background(self._work)
            return self._flight

    def result(self, seconds: float) -> T:
        """Its result, or what it raised. Raises TimeUp; it continues for the other callers."""
        return result_of(self.start(), seconds)
