"""When a session ends for being idle, and when Microsoft is asked again: one table each."""

import pytest

from accounts.sessions.limits import Due, Limits, due, is_idle, is_put_off

HOUR = 3600
BOTH = Limits(idle=2 * HOUR, recheck=HOUR)


@pytest.mark.parametrize(
    ("limits", "unused_for", "ended"),
    [
        (BOTH, 0, False),
        (BOTH, 2 * HOUR, False),
        (BOTH, 2 * HOUR + 1, True),
        (BOTH, -60, False),  # a clock that was set back
        (Limits(idle=0, recheck=HOUR), 10**9, False),
    ],
)
def test_idle(limits: Limits, unused_for: float, ended: bool) -> None:
    assert is_idle(limits, 1000.0, 1000.0 + unused_for) is ended


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (-60, Due.NO),
        (0, Due.NO),
        (HOUR / 2 - 1, Due.NO),
        (HOUR / 2, Due.BEFORE_A_FORM),
        (0.75 * HOUR - 1, Due.BEFORE_A_FORM),
        (0.75 * HOUR, Due.NOW),
        (HOUR - 1, Due.NOW),
        (HOUR, Due.OVERDUE),
        (1.5 * HOUR - 1, Due.OVERDUE),
        (1.5 * HOUR, Due.TOO_LATE),
        (10**9, Due.TOO_LATE),
    ],
)
def test_due(age: float, expected: Due) -> None:
    assert due(BOTH, 1000.0, 1000.0 + age) is expected


def test_sessions_that_microsoft_knows_nothing_of_are_exempt() -> None:
    assert due(BOTH, None, 10.0**9) is Due.NO


@pytest.mark.parametrize(
    ("ago", "expected"),
    [(None, False), (0, True), (HOUR / 2 - 1, True), (HOUR / 2, False), (-1, False)],
)
def test_grace(ago: float | None, expected: bool) -> None:
    assert is_put_off(BOTH, None if ago is None else 1000.0 - ago, 1000.0) is expected


def test_off() -> None:
    assert due(Limits(idle=HOUR, recheck=0), 0.0, 10.0**9) is Due.NO
