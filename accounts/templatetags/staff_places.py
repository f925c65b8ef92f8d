"""{% staff_home %} and {% staff_login %}: where these are, whatever admin sites there are."""

from __future__ import annotations

from django import template

from .. import places

register = template.Library()


@register.simple_tag
def staff_home() -> str:
    """The front page of staff."""
    return places.home()


@register.simple_tag
def staff_login() -> str:
    """The page with the button."""
    return places.login_page()
