"""Filters and tags for texts, times, places and URLs, and the script of an open session."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django import template
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _

from .. import app, staff_urls
from ..conf import conf
from ..display import browsers, local_time
from ..display.naming import as_set_here
from ..display.visible import visible

register = template.Library()
register.filter("as_set_here", as_set_here)  # each setting is named as this site sets it
register.filter("moment", local_time.element_of)
register.filter("place", browsers.address_and_place)
register.simple_tag(staff_urls.home, name="staff_home")
register.simple_tag(staff_urls.login_page, name="staff_login")
register.simple_tag(app.admin_url, name="own_url")  # {% own_url "signin_change" row.pk %}
register.simple_tag(app.user_url, name="user_url")  # {% user_url "change" person.pk %}


@register.filter("visible")
def _visible(value: Any) -> str:
    """{{ text|visible }}: with bidirectional and invisible characters written out."""
    return visible(str(value if value is not None else ""))


@register.filter
def browser(user_agent: str) -> str:
    """{{ user_agent|browser }}: Chrome on Windows."""
    return visible(browsers.browser_of(user_agent))


@register.simple_block_tag
def table(content: str, label: str, *columns: str, stacked: bool = False) -> str:
    """{% table label _("Time") _("Result") %}its rows{% endtable %}: a table that can be scrolled.

    An empty title is no column. `stacked`: where it is narrow each row is a block of lines, which
    begin with their cell's data-label.
    """
    titles = format_html_join("", '<th scope="col">{}</th>', ((one,) for one in columns if one))
    return format_html(
        '<div class="staff-table{}" tabindex="0" role="region" aria-label="{}"><table>'
        "<thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>",
        " staff-rows" if stacked else "",
        label,
        titles,
        content,
    )


@register.inclusion_tag("microsoft_admin/open_session.html", takes_context=True)
def open_session(context: dict[str, Any]) -> dict[str, Any]:
    """The script that warns before a session ends and keeps typed text; none if not signed in."""
    request: HttpRequest | None = context.get("request")
    user = getattr(request, "user", None)
    if request is None or user is None or not user.is_authenticated:
        return {"user_key": ""}
    return {
        "user_key": str(user.pk),
        "ends_in": request.session.get_expiry_age(),
        "idle_minutes": conf.SESSION_IDLE_MINUTES,
        "words": json.dumps(_texts(request.session.get_expiry_date())),
    }


def _texts(ends_at: datetime) -> dict[str, str]:
    local = local_time.in_zone(ends_at)
    return {
        "back": _("What you typed before you had to sign in again is back. Nothing is saved yet."),
        "discard": _("Discard it"),
        "idle": _("You will soon be signed out, since this page has not been used for a while."),
        "stay": _("Stay signed in"),
        "ends": _("Your session ends at %(time)s. Save your work; this tab keeps what you type.")
        % {"time": f"{local:%H:%M} ({local.tzname()})"},
        "signIn": _("Open the site in a new tab"),
        "signInUrl": staff_urls.home(),
        "stayUrl": reverse("admin:jsi18n"),
    }
