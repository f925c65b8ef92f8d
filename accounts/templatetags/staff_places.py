"""Where pages are, whatever admin sites there are, and whatever this app is called."""

from __future__ import annotations

from typing import Any

from django import template

from .. import app, staff_urls

register = template.Library()


@register.simple_tag
def staff_home() -> str:
    """The front page of staff."""
    return staff_urls.home()


@register.simple_tag
def staff_login() -> str:
    """The page with the button."""
    return staff_urls.login_page()


@register.simple_tag
def own_url(page: str, *args: Any) -> str:
    """{% own_url "signin_change" row.pk %}: a page of one of this app's models."""
    return app.admin_url(page, *args)


@register.simple_tag
def user_url(page: str, *args: Any) -> str:
    """{% user_url "change" person.pk %}: a page of the user admin."""
    return app.user_url(page, *args)
