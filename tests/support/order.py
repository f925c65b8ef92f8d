"""Which files come first: what took longest the last time, so that no process ends with it alone.

Every xdist process must come to the same order. A file that was never timed counts as its folder
usually does.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import pytest

from tests.support.progress import durations_of

# Seconds a test.
USUAL: Final = {
    "hosts": 10.0,
    "recipes": 6.0,
    "journeys": 5.0,
    "running": 2.0,
    "faults": 2.0,
    "attacks": 0.3,
    "site": 0.3,
}


def longest_files_first(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Sort in place; the tests of a file keep their order."""
    known = durations_of(config)
    seconds: dict[str, float] = defaultdict(float)
    for item in items:
        seconds[_file(item)] += known.get(item.nodeid, _usual(item))
    order = sorted(seconds, key=lambda file: (-seconds[file], file))
    place = {file: number for number, file in enumerate(order)}
    items.sort(key=lambda item: place[_file(item)])


def _file(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


def _usual(item: pytest.Item) -> float:
    parts: Sequence[str] = _file(item).split("/")
    return USUAL.get(parts[1] if len(parts) > 1 else "", 0.02)
