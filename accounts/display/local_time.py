"""Times as people read them: one format, in the site's zone, which is named beside them."""

from __future__ import annotations

from datetime import date, datetime

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format, get_format
from django.utils.html import format_html


def in_zone(moment: datetime) -> datetime:
    """In the site's zone; one without a zone, of a site without USE_TZ, is of that already."""
    aware = timezone.make_aware(moment) if timezone.is_naive(moment) else moment
    return timezone.localtime(aware)


def as_kept(moment: datetime) -> datetime:
    """As the site's database has times, to compare with: without a zone where USE_TZ is off."""
    return in_zone(moment) if settings.USE_TZ else timezone.make_naive(in_zone(moment))


def today() -> date:
    """The day that it is in the site's zone."""
    return in_zone(timezone.now()).date()


def text_of(moment: datetime | None) -> str:
    """A time in words: 25 Nov 2026, 14:05 CET; "" for none."""
    if not moment:  # a template gives "" for what is not there
        return ""
    local = in_zone(moment)
    text = date_format(local, "SHORT_DATETIME_FORMAT")
    return text if _names_zone() else f"{text} {local.tzname()}"


def element_of(moment: datetime | None) -> str:
    """The same as <time>, beside which moments.js writes the reader's own where it differs."""
    if not moment:  # a template gives "" for what is not there
        return ""
    iso = in_zone(moment).isoformat(timespec="seconds")
    return format_html('<time datetime="{}">{}</time>', iso, text_of(moment))


def _names_zone() -> bool:
    """Whether the site's own format has the zone already."""
    return str(get_format("SHORT_DATETIME_FORMAT")).endswith(("T", "e"))
