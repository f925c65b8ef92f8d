"""Room for a thread's Python frames, which CPython keeps in chunks of 16 kB.

Where a request's stack happens to end near the end of a chunk, every further call takes the next
one from the kernel and gives it back: some hundred times a sign-in, a tenth of its time.
(Source: CPython, `push_chunk` and `_PyThreadState_PopFrame` in Python/pystate.c.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

Function = TypeVar("Function", bound="Callable[..., Any]")

# Slots of eight bytes. With the thousand that CPython adds it is just over 64 kB, so that the frame
# gets a chunk of 128 kB, half of which is free for the frames above it; what is not used costs no
# memory.
_SLOTS: Final = 7300


def roomy(function: Function) -> Function:
    """The function, with room above its frame for those of a whole request."""
    function.__code__ = function.__code__.replace(co_stacksize=_SLOTS)
    return function
