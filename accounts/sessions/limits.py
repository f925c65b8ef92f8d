"""When an open session ends for being idle, and when Microsoft is asked about it again.

Pure: times are seconds since the epoch, limits are seconds, 0 means never.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

# Parts of the re-check interval. A page with a form asks early, so that what is typed there can
# still be sent, any other page a little later. At its end nothing is served unconfirmed, except
# while Microsoft cannot be asked.
_FORM_AT: Final = 0.5
_PAGE_AT: Final = 0.75
_GRACE: Final = 0.5


class Due(Enum):
    """Whether a re-check is due."""

    NO = auto()
    BEFORE_A_FORM = auto()
    NOW = auto()
    OVERDUE = auto()
    TOO_LATE = auto()


@dataclass(frozen=True, slots=True)
class Limits:
    """`idle` and `recheck` in seconds; 0: never."""

    idle: float
    recheck: float


def is_idle(limits: Limits, seen_at: float, now: float) -> bool:
    """Whether a session that was last used at `seen_at` has ended."""
    return bool(limits.idle) and now - seen_at > limits.idle


def due(limits: Limits, checked_at: float | None, now: float) -> Due:
    """`checked_at` is None for a session that did not begin at Microsoft, which is exempt."""
    if not limits.recheck or checked_at is None:
        return Due.NO
    age = (now - checked_at) / limits.recheck
    if age < _FORM_AT:
        return Due.NO
    if age < _PAGE_AT:
        return Due.BEFORE_A_FORM
    if age < 1:
        return Due.NOW
    return Due.OVERDUE if age < 1 + _GRACE else Due.TOO_LATE


def is_put_off(limits: Limits, put_off_at: float | None, now: float) -> bool:
    """Whether Microsoft could not be asked lately: an overdue session then has its grace."""
    return put_off_at is not None and 0 <= now - put_off_at < limits.recheck * _GRACE
