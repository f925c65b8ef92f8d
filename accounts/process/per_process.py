"""One object per process, which a forked child does not share with its parent.

Sockets, threads and locks do not survive a fork. This takes no lock itself, since a fork could copy
it held: two threads at once may create two objects, of which one is kept.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class PerProcess(Generic[T]):
    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._by_pid: dict[int, T] = {}

    def get(self) -> T:
        """This process's object, made when first asked for."""
        pid = os.getpid()
        existing = self._by_pid.get(pid)
        return self._by_pid.setdefault(pid, self._make()) if existing is None else existing
