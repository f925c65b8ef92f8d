"""docs/threat-model.md: no item of the standards is left out, and what is met has its test.

That the files and tests it names exist is tested with all other pages (test_architecture_page).
"""

import re
from collections import Counter

from accounts.web import throttle
from tests.servers.process import ROOT

TEXT = (ROOT / "docs/threat-model.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| ([\d.–]+|RFC 9700 [\d., ]+) \| (.+?) \| (.+?) \| (.+) \|$", TEXT, re.M)
# OWASP ASVS 5.0.0: how many requirements each section of V6, V7 and V10 has.
ASVS = {
    "6.1": 3,
    "6.2": 12,
    "6.3": 8,
    "6.4": 6,
    "6.5": 8,
    "6.6": 4,
    "6.7": 2,
    "6.8": 4,
    "7.1": 3,
    "7.2": 4,
    "7.3": 2,
    "7.4": 5,
    "7.5": 3,
    "7.6": 2,
    "10.1": 2,
    "10.2": 3,
    "10.3": 5,
    "10.4": 16,
    "10.5": 5,
    "10.6": 2,
    "10.7": 3,
}
RFC_9700 = {"2.1", "2.1.1", "2.1.2", "2.2", "2.3", "2.4", "2.5", "2.6", "4.2.4"} | {
    f"4.{number}" for number in range(1, 18)
}


def items(cell: str) -> list[str]:
    """A range of items, or one."""
    first, _, last = cell.partition("–")
    section, _, number = first.rpartition(".")
    end = int(last.rpartition(".")[2]) if last else int(number)
    return [f"{section}.{each}" for each in range(int(number), end + 1)]


def test_every_item_of_asvs_is_there_once() -> None:
    found = Counter(item for cell, *_ in ROWS if "RFC" not in cell for item in items(cell))
    wanted = {f"{section}.{n}" for section, count in ASVS.items() for n in range(1, count + 1)}
    assert found == Counter(wanted)


def test_every_section_of_rfc_9700_is_there_once() -> None:
    cells = [cell.removeprefix("RFC 9700 ") for cell, *_ in ROWS if "RFC" in cell]
    assert Counter(part for cell in cells for part in cell.split(", ")) == Counter(RFC_9700)


def test_what_is_met_has_its_test() -> None:
    """Ours, Django's, or the very absence of what the item is about."""
    shown = ("tests/", "Django's own", "nothing of the kind", "above")
    for item, _, state, by in ROWS:
        assert state in ("met", "on request", "not met", "not ours"), item
        assert state not in ("met", "on request") or any(mark in by for mark in shown), item
        assert by.strip(), item


def test_the_limits_are_the_codes() -> None:
    told = re.findall(r"^\| `([A-Z_]+)` \| (\d+) \| (?:a minute|(\d+) minutes) \|$", TEXT, re.M)
    limits = {n: it.item for n, it in vars(throttle).items() if isinstance(it, throttle.Limit)}
    del limits["THROTTLED_ROWS"]  # of rows, not of attempts
    assert {name: (int(times), int(minutes or 1)) for name, times, minutes in told} == {
        name: (limit.amount, limit.multiples) for name, limit in limits.items()
    }
