"""When an open session ends for being idle, and when Microsoft is asked about it again.

Pure: times are seconds since the epoch, limits are seconds, 0 means never.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

# Of the re-check interval: a form page is opened with at least this much left, so that what is
# typed there can still be sent; and this much longer a session lives while Microsoft is out.
AHEAD: Final = 0.5
GRACE: Final = 0.5


class Due(Enum):
    """What the age of the last check asks for."""

    NO = auto()
    BEFORE_A_FORM = auto()
    NOW = auto()
    OVERDUE = auto()


@dataclass(frozen=True, slots=True)
class Limits:
    """`idle` and `recheck` in seconds; 0: never."""

    idle: float
    recheck: float


def is_idle(limits: Limits, seen_at: float, now: float) -> bool:
    """Whether a session that was last used at `seen_at` has ended."""
    return bool(limits.idle) and now - seen_at > limits.idle


def due(limits: Limits, checked_at: float | None, now: float) -> Due:
    """`checked_at` is None for a session that Microsoft knows nothing of: it is exempt."""
    if not limits.recheck or checked_at is None:
        return Due.NO
    age = now - checked_at
    if age < limits.recheck * AHEAD:
        return Due.NO
    if age < limits.recheck:
        return Due.BEFORE_A_FORM
    return Due.NOW if age < limits.recheck * (1 + GRACE) else Due.OVERDUE
