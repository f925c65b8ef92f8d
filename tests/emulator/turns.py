"""What to do next time, or every time: counted turns first, in order, then the default."""

import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Turns(Generic[T]):
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counted: deque[tuple[T, int]] = deque()
        self._default: T | None = None

    def add(self, value: T, times: int | None) -> None:
        """For the next `times` uses; with None, for every use until cleared or replaced."""
        with self._lock:
            if times is None:
                self._default = value
            elif times > 0:
                self._counted.append((value, times))

    def take(self) -> T | None:
        if not self._counted:
            return self._default
        with self._lock:
            if not self._counted:
                return self._default
            value, left = self._counted.popleft()
            if left > 1:
                self._counted.appendleft((value, left - 1))
            return value
