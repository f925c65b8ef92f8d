"""A bulkhead: how many requests may wait at once, shared fairly between client addresses.

When the other side hangs, every thread of a process would soon wait for it, and no page would be
served. So a few requests may wait, a few more queue briefly, and the rest fail at once. Both limits
together are below the number of threads.

A party that holds n slots gets another only while more than n are free (the dynamic threshold of
Choudhury and Hahne, 1998, for shared buffers): one address takes half of them at most, and there is
always a slot for the first request of another.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from .causes import TooManyWaiting
from .deadline import Deadline

QUEUE: Final = 4
MAX_WAIT: Final = 2.0  # seconds in the queue; they count against the request's deadline


class _Shares:
    """A number of slots, and how many each party holds."""

    def __init__(self, slots: int) -> None:
        self._free = slots
        self._held: Counter[str] = Counter()

    def take(self, party: str) -> bool:
        if self._free <= self._held[party]:
            return False
        self._free -= 1
        self._held[party] += 1
        return True

    def give_back(self, party: str) -> None:
        self._free += 1
        self._held[party] -= 1
        if not self._held[party]:
            del self._held[party]


class Bulkhead:
    def __init__(self, slots: int, *, queue: int = QUEUE, max_wait: float = MAX_WAIT) -> None:
        self._changed = threading.Condition()
        self._slots, self._queue = _Shares(slots), _Shares(queue)
        self._max_wait = max_wait

    @contextmanager
    def slot(self, deadline: Deadline) -> Iterator[None]:
        """A slot for the deadline's party; counts as waiting. Raises TooManyWaiting.

        Background work, which has no party, takes no slot.
        """
        party = deadline.party
        if party is None:
            yield
            return
        with deadline.waiting():
            self._enter(party, min(self._max_wait, deadline.left()))
            try:
                yield
            finally:
                self._leave(party)

    def _enter(self, party: str, seconds: float) -> None:
        with self._changed:
            if self._slots.take(party):
                return
            if not self._queue.take(party):
                raise TooManyWaiting
            try:
                if not self._changed.wait_for(lambda: self._slots.take(party), seconds):
                    raise TooManyWaiting
            finally:
                self._queue.give_back(party)

    def _leave(self, party: str) -> None:
        with self._changed:
            self._slots.give_back(party)
            self._changed.notify_all()
