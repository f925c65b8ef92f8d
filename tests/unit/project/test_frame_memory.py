"""A request's frames have room, however deep its stack is when it calls and calls again."""

import resource
import sys
import threading
from collections.abc import Callable

import pytest

from project.frame_memory import with_frame_space
from project.worker import Worker

CALLS = 300
DEPTHS = range(250)  # over more than one of CPython's chunks


def _leaf() -> None:
    """Nothing but a frame."""


def _calls_at(depth: int) -> None:
    if depth:
        _calls_at(depth - 1)
        return
    for _ in range(CALLS):
        _leaf()


def _most_page_faults() -> int:
    """Of one depth: memory that the kernel gave, as often as it was given back meanwhile."""

    def faults() -> int:
        return resource.getrusage(resource.RUSAGE_THREAD).ru_minflt

    took = []
    for depth in DEPTHS:
        before = faults()
        _calls_at(depth)
        took.append(faults() - before)
    return max(took)


def _in_a_thread(work: Callable[[], int]) -> int:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


@pytest.mark.skipif(sys.platform != "linux", reason="counts the page faults of a thread")
def test_no_depth_makes_each_call_take_memory_from_the_kernel() -> None:
    def work() -> int:
        return _most_page_faults()

    assert _in_a_thread(with_frame_space(work)) < CALLS / 5


def test_the_worker_s_requests_have_it() -> None:
    assert Worker.handle.__code__.co_stacksize > 16 * 1024 / 8
