"""Times as people read them: one format, in the site's zone, which is named beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.formats import date_format, get_format
from django.utils.html import format_html

if TYPE_CHECKING:
    from datetime import datetime


def text_of(moment: datetime | None) -> str:
    """A time in words: 25 Nov 2026, 14:05 CET; "" for none."""
    if not moment:  # a template gives "" for what is not there
        return ""
    local = timezone.localtime(moment)
    text = date_format(local, "SHORT_DATETIME_FORMAT")
    return text if _names_zone() else f"{text} {local.tzname()}"


def element_of(moment: datetime | None) -> str:
    """The same as <time>, beside which moments.js writes the reader's own where it differs."""
    if not moment:  # a template gives "" for what is not there
        return ""
    iso = timezone.localtime(moment).isoformat(timespec="seconds")
    return format_html('<time datetime="{}">{}</time>', iso, text_of(moment))


def _names_zone() -> bool:
    """Whether the site's own format has the zone already."""
    return str(get_format("SHORT_DATETIME_FORMAT")).endswith(("T", "e"))
