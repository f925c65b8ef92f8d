"""Filters for what admin's pages show: outsiders' text, times, browsers and places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template

from .. import browsers, local_time
from ..naming import as_set_here as named_as_set_here
from ..visible import visible as made_visible

if TYPE_CHECKING:
    from datetime import datetime

register = template.Library()


@register.filter
def visible(value: Any) -> str:
    """{{ text|visible }}: with bidirectional and invisible characters written out."""
    return made_visible(str(value if value is not None else ""))


@register.filter
def as_set_here(text: Any) -> str:
    """{{ text|as_set_here }}: with each setting named as this site sets it."""
    return named_as_set_here(text)


@register.filter
def moment(value: datetime | None) -> str:
    """{{ time|moment }}: as <time>, in the one format, with its zone."""
    return local_time.element_of(value)


@register.filter
def browser(user_agent: str) -> str:
    """{{ user_agent|browser }}: Chrome on Windows."""
    return made_visible(browsers.browser_of(user_agent))


@register.filter
def place(address: str | None) -> str:
    """{{ address|place }}: the address, and what it is known to be."""
    known = browsers.place_of(address)
    return f"{address} ({known})" if known else str(address or "")
