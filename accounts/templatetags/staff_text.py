"""{{ text|visible }}: what outsiders chose, with nothing hidden in it."""

from __future__ import annotations

from typing import Any

from django import template

from ..visible import visible as made_visible

register = template.Library()


@register.filter
def visible(value: Any) -> str:
    """The text with bidirectional and invisible characters written out."""
    return made_visible(str(value if value is not None else ""))
