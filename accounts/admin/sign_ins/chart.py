"""The last 30 days by outcome, drawn by the server: SVG that needs neither script nor style.

Days that are over are counted once and kept in the cache, so that a million records cost a page
no more than today's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from django.core.cache import cache
from django.db.models import Count, Q
from django.db.models.functions import TruncDate
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _

from ... import local_time
from ...app import admin_url
from ...models import SignIn

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

DAYS: Final = 30
HEIGHT: Final = 100
STEP: Final = 20  # one day's width in the drawing
BAR: Final = 14
_KEPT: Final = int(timedelta(days=DAYS + 1).total_seconds())

_BAR: Final = (
    '<a href="{0}?{1}" tabindex="-1"><title>{2}</title>'
    f'<rect class="staff-bar-day" x="{{3}}" y="0" width="{BAR}" height="{HEIGHT}"/>'
    f'<rect class="staff-bar-admitted" x="{{3}}" y="{{4}}" width="{BAR}" height="{{5}}"/>'
    f'<rect class="staff-bar-refused" x="{{3}}" y="{{6}}" width="{BAR}" height="{{7}}"/></a>'
)

Counts = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Bar:
    """One day: its counts, and where its two pieces stand; refusals lie on admissions."""

    day: date
    admitted: int
    refused: int
    x: int
    admitted_y: float
    admitted_height: float
    refused_y: float
    refused_height: float

    @property
    def query(self) -> str:
        """The record's list, narrowed to this day."""
        return f"at__year={self.day.year}&at__month={self.day.month}&at__day={self.day.day}"


@dataclass(frozen=True, slots=True)
class Chart:
    """What the template draws."""

    bars: tuple[Bar, ...]
    admitted: int
    refused: int
    highest: int
    width: int = DAYS * STEP
    height: int = HEIGHT


def svg(chart: Chart) -> str:
    """The drawing, each day a link to its sign-ins: as text, for a template takes ten times longer.

    It is for the pointer only: what it says is in the table, or in the list, for everyone else.
    """
    list_url = admin_url("signin_changelist")
    bars = format_html_join("", _BAR, ((list_url, *_bar_parts(bar)) for bar in chart.bars))
    return format_html(
        '<svg viewBox="0 0 {} {}" preserveAspectRatio="none" aria-hidden="true">{}</svg>',
        chart.width,
        chart.height,
        bars,
    )


def _bar_parts(bar: Bar) -> tuple[object, ...]:
    told = _("%(day)s: %(admitted)s admitted, %(refused)s refused") % {
        "day": date_format(bar.day, "SHORT_DATE_FORMAT"),
        "admitted": bar.admitted,
        "refused": bar.refused,
    }
    drawn = (bar.admitted_y, bar.admitted_height, bar.refused_y, bar.refused_height)
    return (bar.query, told, bar.x, *map(str, drawn))


def last_days(today: date | None = None) -> Chart:
    """The chart of the DAYS that end today, by the site's time zone."""
    today = today or local_time.today()
    days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    counts = _counts(days, today)
    return drawn(days, [counts.get(day, (0, 0)) for day in days])


def drawn(days: Sequence[date], counts: Sequence[Counts]) -> Chart:
    """The bars, as high as the busiest day allows."""
    highest = max((sum(both) for both in counts), default=0)
    scale = HEIGHT / highest if highest else 0.0
    days_and_counts = enumerate(zip(days, counts, strict=True))
    bars = tuple(_bar(day, both, at, scale) for at, (day, both) in days_and_counts)
    return Chart(bars, sum(a for a, _ in counts), sum(r for _, r in counts), highest)


def _bar(day: date, counts: Counts, at: int, scale: float) -> Bar:
    admitted, refused = (round(count * scale, 2) for count in counts)
    return Bar(
        day=day,
        admitted=counts[0],
        refused=counts[1],
        x=at * STEP + (STEP - BAR) // 2,
        admitted_y=round(HEIGHT - admitted, 2),
        admitted_height=admitted,
        refused_y=round(HEIGHT - admitted - refused, 2),
        refused_height=refused,
    )


def _counts(days: Sequence[date], today: date) -> dict[date, Counts]:
    kept = {_day_of(key): both for key, both in cache.get_many([_key(day) for day in days]).items()}
    missing = [day for day in days if day not in kept]
    counted = _counted(missing)
    over = {_key(day): counted.get(day, (0, 0)) for day in missing if day < today}
    cache.set_many(over, timeout=_KEPT)
    return {day: (int(both[0]), int(both[1])) for day, both in {**kept, **counted}.items()}


def _counted(days: Iterable[date]) -> dict[date, Counts]:
    """One query from the first missing day on; those in between that are kept come out equal."""
    if (first := min(days, default=None)) is None:
        return {}
    rows = SignIn.objects.filter(at__gte=_midnight(first)).order_by()
    grouped = rows.values(day=TruncDate("at")).annotate(
        admitted=Count("pk", filter=Q(outcome=SignIn.Outcome.ADMITTED)),
        refused=Count("pk", filter=Q(outcome=SignIn.Outcome.REFUSED)),
    )
    return {row["day"]: (row["admitted"], row["refused"]) for row in grouped}


def _midnight(day: date) -> datetime:
    return local_time.as_kept(datetime.combine(day, time.min))


def _key(day: date) -> str:
    return f"sign-ins-of-day:{timezone.get_current_timezone_name()}:{day.isoformat()}"


def _day_of(key: str) -> date:
    return date.fromisoformat(key[-10:])
