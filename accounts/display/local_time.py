"""Times for display: one format, in the site's time zone, which is always named."""

from __future__ import annotations

from datetime import date, datetime

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format, get_format
from django.utils.html import format_html


def in_zone(moment: datetime) -> datetime:
    """The time in the site's zone; a naive one, of a site without USE_TZ, is in it already."""
    aware = timezone.make_aware(moment) if timezone.is_naive(moment) else moment
    return timezone.localtime(aware)


def as_stored(moment: datetime) -> datetime:
    """The time as the database has it, for queries: naive where USE_TZ is off."""
    return in_zone(moment) if settings.USE_TZ else timezone.make_naive(in_zone(moment))


def today() -> date:
    """Today in the site's zone."""
    return in_zone(timezone.now()).date()


def text_of(moment: datetime | None) -> str:
    """The time with its zone: 25 Nov 2026, 14:05 CET; "" for none."""
    if not moment:  # a template passes "" for a missing one
        return ""
    local = in_zone(moment)
    text = date_format(local, "SHORT_DATETIME_FORMAT")
    return text if _format_has_zone() else f"{text} {local.tzname()}"


def element_of(moment: datetime | None) -> str:
    """The same as <time>; moments.js adds the reader's local time where it differs."""
    if not moment:
        return ""
    iso = in_zone(moment).isoformat(timespec="seconds")
    return format_html('<time datetime="{}">{}</time>', iso, text_of(moment))


def _format_has_zone() -> bool:
    """Whether the format of the active language ends in the zone."""
    return str(get_format("SHORT_DATETIME_FORMAT")).endswith(("T", "e"))
