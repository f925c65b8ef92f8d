"""One object a process, never one that a forked child shares with its parent.

Sockets, threads and locks do not survive a fork. No lock here either: it could be held at
the moment of the fork. Two threads that come at once may make two; one of them is kept.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class PerProcess(Generic[T]):
    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: dict[int, T] = {}

    def get(self) -> T:
        pid = os.getpid()
        made = self._made.get(pid)
        return self._made.setdefault(pid, self._make()) if made is None else made
