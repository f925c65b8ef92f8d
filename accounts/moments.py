"""Times as people read them: one format, in the site's zone, which is named beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format, get_format
from django.utils.html import format_html

if TYPE_CHECKING:
    from datetime import date, datetime


def text_of(moment: datetime | None) -> str:
    """A time in words: 25 Nov 2026, 14:05 CET; "" for none."""
    if moment is None:
        return ""
    local = local_of(moment)
    text = date_format(local, "SHORT_DATETIME_FORMAT")
    return text if _names_zone() else f"{text} {local.tzname()}"


def element_of(moment: datetime | None) -> str:
    """The same as <time>, beside which moments.js writes the reader's own where it differs."""
    if moment is None:
        return ""
    iso = local_of(moment).isoformat(timespec="seconds")
    return format_html('<time datetime="{}">{}</time>', iso, text_of(moment))


def local_of(moment: datetime) -> datetime:
    """In the site's zone, and aware of it: with USE_TZ off times are kept without."""
    return timezone.localtime(moment if timezone.is_aware(moment) else timezone.make_aware(moment))


def today() -> date:
    """The day that it is in the site's zone."""
    return local_of(timezone.now()).date()


def as_stored(moment: datetime) -> datetime:
    """As the database takes it: aware, or with USE_TZ off without a zone."""
    if timezone.is_aware(moment) == settings.USE_TZ:
        return moment
    return timezone.make_aware(moment) if settings.USE_TZ else timezone.make_naive(moment)


def _names_zone() -> bool:
    """Whether the site's own format has the zone already."""
    return str(get_format("SHORT_DATETIME_FORMAT")).endswith(("T", "e"))
