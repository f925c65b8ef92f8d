"""The sign-ins of the last 30 days by outcome, as SVG without scripts.

Past days are counted once and cached, so that a page counts today's sign-ins only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from django.core.cache import cache
from django.db.models import Count, Q
from django.db.models.functions import TruncDate
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _

from ...app import admin_url
from ...display import local_time
from ...models import SignIn

DAYS: Final = 30
DAY_WIDTH: Final = 20
BAR_WIDTH: Final = 14
_CACHED_FOR: Final = int(timedelta(days=DAYS + 1).total_seconds())

_BAR: Final = (
    '<a href="{url}?{query}" tabindex="-1"><title>{title}</title>'
    f'<rect class="staff-bar-day" x="{{x}}" y="0" width="{BAR_WIDTH}" height="{{highest}}"/>'
    f'<rect class="staff-bar-admitted" x="{{x}}" y="{{y_admitted}}" width="{BAR_WIDTH}"'
    ' height="{admitted}"/>'
    f'<rect class="staff-bar-refused" x="{{x}}" y="{{y_refused}}" width="{BAR_WIDTH}"'
    ' height="{refused}"/></a>'
)

Counts = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Bar:
    """One day and its counts."""

    day: date
    admitted: int
    refused: int

    @property
    def query(self) -> str:
        """The query string that filters the list by this day."""
        return f"at__year={self.day.year}&at__month={self.day.month}&at__day={self.day.day}"


@dataclass(frozen=True, slots=True)
class Chart:
    """All days, oldest first."""

    bars: tuple[Bar, ...]

    @property
    def admitted(self) -> int:
        """On all days."""
        return sum(bar.admitted for bar in self.bars)

    @property
    def refused(self) -> int:
        """On all days."""
        return sum(bar.refused for bar in self.bars)


def svg(chart: Chart) -> str:
    """The SVG, each day a link to its sign-ins. Without a template, which takes ten times longer.

    A sign-in is one unit high, and the browser scales the whole. It is hidden from assistive
    technology and the keyboard, for which there is the table or the list.
    """
    highest = max(1, *(bar.admitted + bar.refused for bar in chart.bars))
    url = admin_url("signin_changelist")
    bars = ({"url": url, **_values_of(bar, at, highest)} for at, bar in enumerate(chart.bars))
    return format_html(
        '<svg viewBox="0 0 {} {}" preserveAspectRatio="none" aria-hidden="true">{}</svg>',
        DAYS * DAY_WIDTH,
        highest,
        format_html_join("", _BAR, bars),
    )


def _values_of(bar: Bar, at: int, highest: int) -> dict[str, object]:
    """The values for _BAR of the day at this position; refusals are stacked on admissions."""
    title = _("%(day)s: %(admitted)s admitted, %(refused)s refused")
    counts = {"admitted": bar.admitted, "refused": bar.refused}
    return {
        **counts,
        "query": bar.query,
        "title": title % {**counts, "day": date_format(bar.day, "SHORT_DATE_FORMAT")},
        "x": at * DAY_WIDTH + (DAY_WIDTH - BAR_WIDTH) // 2,
        "y_admitted": highest - bar.admitted,
        "y_refused": highest - bar.admitted - bar.refused,
        "highest": highest,
    }


def last_days() -> Chart:
    """The chart of the last DAYS, including today, in the site's time zone."""
    today = local_time.today()
    days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    counts = _counts(days, today)
    return Chart(tuple(Bar(day, *counts.get(day, (0, 0))) for day in days))


def _counts(days: Sequence[date], today: date) -> dict[date, Counts]:
    cached = {
        _day_of(key): both for key, both in cache.get_many([_key(day) for day in days]).items()
    }
    missing = [day for day in days if day not in cached]
    counted = _counted(missing)
    over = {_key(day): counted.get(day, (0, 0)) for day in missing if day < today}
    cache.set_many(over, timeout=_CACHED_FOR)
    return {day: (int(both[0]), int(both[1])) for day, both in {**cached, **counted}.items()}


def _counted(days: Iterable[date]) -> dict[date, Counts]:
    """The counts from the first of these days on, in one query."""
    if (first := min(days, default=None)) is None:
        return {}
    rows = SignIn.objects.filter(at__gte=_midnight(first)).order_by()
    grouped = rows.values(day=TruncDate("at")).annotate(
        admitted=Count("pk", filter=Q(outcome=SignIn.Outcome.ADMITTED)),
        refused=Count("pk", filter=Q(outcome=SignIn.Outcome.REFUSED)),
    )
    return {row["day"]: (row["admitted"], row["refused"]) for row in grouped}


def _midnight(day: date) -> datetime:
    return local_time.as_stored(datetime.combine(day, time.min))


def _key(day: date) -> str:
    return f"sign-ins-of-day:{timezone.get_current_timezone_name()}:{day.isoformat()}"


def _day_of(key: str) -> date:
    return date.fromisoformat(key[-10:])
