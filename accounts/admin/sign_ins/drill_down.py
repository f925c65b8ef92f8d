"""Drill down by date without asking the database which dates there are.

Django's own finds the days that have rows with DISTINCT over all of them; here the calendar says
which days there are between the oldest row and the newest.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.db.models import Max, Min
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from ... import local_time
from ...models import SignIn

if TYPE_CHECKING:
    from django.contrib.admin.views.main import ChangeList

Choice = dict[str, Any]


def drill_down(cl: ChangeList) -> dict[str, Any]:
    """The context of Django's own admin/date_hierarchy.html."""
    first, last = _bounds()
    year, month, day = (_number(cl, part) for part in ("year", "month", "day"))
    if first is None or last is None:
        return {"show": False}
    if year and month and day:
        return _shown(
            _link(cl, year, month), _month_title(year, month), [_of_day(year, month, day)]
        )
    if year and month:
        return _shown(_link(cl, year), str(year), _days(cl, year, month, first, last))
    if year:
        return _shown(_link(cl), _("All dates"), _months(cl, year, first, last))
    years = [_choice(cl, str(y), y) for y in range(first.year, last.year + 1)]
    return {"show": True, "back": None, "choices": years}


def _bounds() -> tuple[date | None, date | None]:
    """Each end is one look into the index."""
    ends = SignIn.objects.aggregate(first=Min("at"), last=Max("at"))
    return _local(ends["first"]), _local(ends["last"])


def _local(moment: datetime | None) -> date | None:
    return local_time.in_zone(moment).date() if moment else None


def _number(cl: ChangeList, part: str) -> int | None:
    value = cl.params.get(f"at__{part}", "")
    return int(value) if str(value).isdecimal() else None


def _shown(back: str, title: str, choices: list[Choice]) -> dict[str, Any]:
    return {"show": True, "back": {"link": back, "title": title}, "choices": choices}


def _months(cl: ChangeList, year: int, first: date, last: date) -> list[Choice]:
    return [
        _choice(cl, _month_title(year, month), year, month)
        for month in range(1, 13)
        if (first.year, first.month) <= (year, month) <= (last.year, last.month)
    ]


def _days(cl: ChangeList, year: int, month: int, first: date, last: date) -> list[Choice]:
    every = (date(year, month, day) for day in range(1, monthrange(year, month)[1] + 1))
    return [
        _choice(cl, _day_title(day), year, month, day.day) for day in every if first <= day <= last
    ]


def _of_day(year: int, month: int, day: int) -> Choice:
    return {"title": _day_title(date(year, month, day))}


def _choice(cl: ChangeList, title: str, *parts: int) -> Choice:
    return {"title": title, "link": _link(cl, *parts)}


def _link(cl: ChangeList, *parts: int) -> str:
    names = ("at__year", "at__month", "at__day")
    return cl.get_query_string(dict(zip(names, map(str, parts), strict=False)), ["at__"])


def _month_title(year: int, month: int) -> str:
    return capfirst(date_format(date(year, month, 1), "YEAR_MONTH_FORMAT"))


def _day_title(day: date) -> str:
    return capfirst(date_format(day, "MONTH_DAY_FORMAT"))
