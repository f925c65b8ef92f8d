"""A circuit breaker: a host that keeps failing is not asked for a while.

Five failures in a row within 30 seconds open the circuit for 10 seconds, in which requests fail at
once instead of waiting for a time-out. Then one request is let through as a probe; it closes the
circuit or opens it for another 10 seconds.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

FAILURES = 5
WINDOW = 30.0
PAUSE = 10.0


class Breaker:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failed_at: list[float] = []
        self._open_until: float | None = None
        self.last_failure = ""

    def admits(self) -> bool:
        """Whether a request may be sent now; the first one after the pause is the probe."""
        with self._lock:
            if self._open_until is None:
                return True
            if self._clock() < self._open_until:
                return False
            # The probe holds the circuit open for the others until it reports.
            self._open_until = self._clock() + PAUSE
            return True

    @property
    def is_open(self) -> bool:
        with self._lock:
            return self._open_until is not None

    def succeeded(self) -> None:
        with self._lock:
            self._failed_at.clear()
            self._open_until = None

    def failed(self, what: str = "") -> None:
        with self._lock:
            self.last_failure = what
            now = self._clock()
            self._failed_at = [at for at in self._failed_at if now - at < WINDOW][-FAILURES:]
            self._failed_at.append(now)
            if self._open_until is not None or len(self._failed_at) >= FAILURES:
                self._open_until = now + PAUSE
