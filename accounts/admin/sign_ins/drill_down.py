"""Django's drill-down by date, without its DISTINCT over all rows.

It offers every day between the oldest row and the newest.
"""

from __future__ import annotations

import copy
from datetime import date, timedelta
from typing import Any, Final

from django.contrib.admin.templatetags.admin_list import date_hierarchy
from django.contrib.admin.views.main import ChangeList
from django.db.models import Max, Min

from ...display import local_time
from ...models import SignIn

_PARTS: Final = ("year", "month", "day")


def drill_down(cl: ChangeList) -> dict[str, Any]:
    """The context of Django's own admin/date_hierarchy.html."""
    by_calendar: Any = copy.copy(cl)
    by_calendar.queryset = _Calendar([cl.params.get(f"at__{part}") for part in _PARTS])
    return dict(date_hierarchy(by_calendar) or {})


class _Calendar:
    """The queryset that date_hierarchy gets; `chosen` are the year, month and day so far."""

    def __init__(self, chosen: list[Any]) -> None:
        self.chosen = chosen

    def aggregate(self, **_ends: Any) -> dict[str, None]:
        """Unknown, so that the first choice is the year."""
        return {"first": None, "last": None}

    def datetimes(self, _field: str, part: str) -> list[date]:
        """One date for each year, month or day that may have rows."""
        ends = SignIn.objects.aggregate(first=Min("at"), last=Max("at"))  # from the index
        if not ends["first"]:
            return []
        first, last = (local_time.in_zone(end).date() for end in ends.values())
        days = (first + timedelta(days=count) for count in range((last - first).days + 1))
        count = _PARTS.index(part) + 1
        by_part = {_parts_of(day)[:count]: day for day in days if self._is_chosen(day)}
        return list(by_part.values())

    def _is_chosen(self, day: date) -> bool:
        pairs = zip(self.chosen, _parts_of(day), strict=True)
        return all(not chosen or int(chosen) == part for chosen, part in pairs)


def _parts_of(day: date) -> tuple[int, int, int]:
    return day.year, day.month, day.day
