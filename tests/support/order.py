"""Which files come first: what took longest the last time, so that no process ends with it alone.

Every xdist process must come to the same order. Where nothing was timed, as in a fresh clone, the
table has the files that take far longer than their folder lets expect.
"""

from collections import defaultdict
from typing import Final

import pytest

from tests.support.progress import durations_of, usual

# Seconds of a file.
LONG: Final = {
    "tests/faults/test_microsoft.py": 27.0,
    "tests/faults/test_public_address.py": 29.0,
    "tests/faults/test_stores.py": 21.0,
    "tests/faults/test_way_to_microsoft_blocked.py": 150.0,
    "tests/faults/test_ways_to_stores.py": 45.0,
    "tests/attacks/test_admin_queries.py": 38.0,
    "tests/journeys/test_admin_looks.py": 45.0,
    "tests/journeys/test_people_tasks.py": 15.0,
    "tests/journeys/test_session_limits.py": 37.0,
    "tests/running/test_managed_identity.py": 70.0,
    "tests/running/test_next_release.py": 15.0,
    "tests/running/test_outages.py": 22.0,
    "tests/running/test_redis_cluster_tls.py": 18.0,
    "tests/site/doctor/test_doctor_shapes.py": 31.0,
    "tests/unit/entra/test_credentials.py": 19.0,
}


def longest_files_first(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Sort in place; the tests of a file keep their order."""
    known = durations_of(config)
    seconds: dict[str, float] = defaultdict(float)
    for item in items:
        seconds[_file(item)] += known.get(item.nodeid) or usual(item.nodeid)
    if not known:
        seconds |= {file: LONG[file] for file in seconds if file in LONG}
    order = sorted(seconds, key=lambda file: (-seconds[file], file))
    place = {file: number for number, file in enumerate(order)}
    items.sort(key=lambda item: place[_file(item)])


def _file(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]
