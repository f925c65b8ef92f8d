"""Space for a thread's Python frames, which CPython allocates in chunks of 16 kB.

If a request's stack ends near the end of a chunk, every further call allocates the next one and
frees it again: some hundred times in a sign-in, a tenth of its time.
(Source: CPython, `push_chunk` and `_PyThreadState_PopFrame` in Python/pystate.c.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

Function = TypeVar("Function", bound="Callable[..., Any]")

# Slots of eight bytes. With the thousand that CPython adds it is just over 64 kB, so that the frame
# gets a chunk of 128 kB, half of which is left for the frames of its calls. Unused pages cost no
# memory.
_SLOTS: Final = 7300


def with_frame_space(function: Function) -> Function:
    """The function, with space after its frame for the frames of a whole request."""
    function.__code__ = function.__code__.replace(co_stacksize=_SLOTS)
    return function
