"""Django's drill-down by date, without asking the database which dates there are.

Django finds the days that have rows with DISTINCT over all of them; here the calendar says which
days there are between the oldest row and the newest.
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
    """What date_hierarchy asks of the list's rows; `asked` are the year, month and day so far."""

    def __init__(self, asked: list[Any]) -> None:
        self.asked = asked

    def aggregate(self, **_ends: Any) -> dict[str, None]:
        """No range, so that the first choice is the year."""
        return {"first": None, "last": None}

    def datetimes(self, _field: str, part: str) -> list[date]:
        """One day for each year, month or day that there may be rows of."""
        ends = SignIn.objects.aggregate(first=Min("at"), last=Max("at"))  # two looks into the index
        if not ends["first"]:
            return []
        first, last = (local_time.in_zone(end).date() for end in ends.values())
        days = (first + timedelta(days=count) for count in range((last - first).days + 1))
        count = _PARTS.index(part) + 1
        found = {_parts_of(day)[:count]: day for day in days if self._is_asked(day)}
        return list(found.values())

    def _is_asked(self, day: date) -> bool:
        pairs = zip(self.asked, _parts_of(day), strict=True)
        return all(not asked or int(asked) == part for asked, part in pairs)


def _parts_of(day: date) -> tuple[int, int, int]:
    return day.year, day.month, day.day
