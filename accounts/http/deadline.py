"""A total budget for a request, whatever the other side does.

Socket time-outs start anew with every byte, so a server that drips one byte a second can
hold a thread for hours. One daemon thread a process shuts down the sockets whose time is
up; the reader then sees the end of the stream and stops.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import os
import socket
import threading
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_current: ContextVar[Guard | None] = ContextVar("guard", default=None)


def current_guard() -> Guard | None:
    """The guard of the request that this thread is making."""
    return _current.get()


class Guard:
    """The deadline of one request and the socket it uses."""

    def __init__(self, seconds: float) -> None:
        self.deadline = time.monotonic() + seconds
        self.expired = False
        self._done = False
        self._lock = threading.Lock()
        self._handle: socket.socket | None = None

    def remaining(self) -> float:
        return max(0.0, self.deadline - time.monotonic())

    def attach(self, sock: socket.socket) -> None:
        # A duplicate: TLS detaches the plain socket, and a closed number may be used again.
        handle = socket.socket(sock.family, sock.type, sock.proto, fileno=os.dup(sock.fileno()))
        with self._lock:
            old, self._handle = self._handle, handle
            if self.expired:
                _shut(handle)
        if old is not None:
            old.close()

    def expire(self) -> None:
        with self._lock:
            if self._done:
                return
            self.expired = True
            if self._handle is not None:
                _shut(self._handle)

    def finish(self) -> None:
        with self._lock:
            self._done = True
            handle, self._handle = self._handle, None
        if handle is not None:
            handle.close()

    @property
    def done(self) -> bool:
        return self._done


def _shut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


class Watchdog:
    """Expires guards in order of their deadlines; its thread starts with the first one."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._heap: list[tuple[float, int, Guard]] = []
        self._number = itertools.count()
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def limit(self, seconds: float) -> Iterator[Guard]:
        guard = Guard(seconds)
        self._watch(guard)
        mark = _current.set(guard)
        try:
            yield guard
        finally:
            _current.reset(mark)
            guard.finish()

    def _watch(self, guard: Guard) -> None:
        with self._changed:
            heapq.heappush(self._heap, (guard.deadline, next(self._number), guard))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)
                self._thread.start()
            elif self._heap[0][2] is guard:
                self._changed.notify()

    def _run(self) -> None:
        while True:
            for guard in self._take_due():
                guard.expire()

    def _take_due(self) -> list[Guard]:
        with self._changed:
            self._drop_done()
            self._changed.wait(self._pause())
            due = []
            while self._heap and self._heap[0][0] <= time.monotonic():
                due.append(heapq.heappop(self._heap)[2])
            return due

    def _drop_done(self) -> None:
        while self._heap and self._heap[0][2].done:
            heapq.heappop(self._heap)

    def _pause(self) -> float | None:
        return max(0.0, self._heap[0][0] - time.monotonic()) if self._heap else None
