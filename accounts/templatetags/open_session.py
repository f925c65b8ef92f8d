"""{% open_session %}: the script that warns before a session ends and keeps what is typed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django import template
from django.urls import reverse
from django.utils.translation import gettext as _

from .. import local_time, staff_urls
from ..conf import conf

if TYPE_CHECKING:
    from django.http import HttpRequest

register = template.Library()


@register.inclusion_tag("microsoft_admin/open_session.html", takes_context=True)
def open_session(context: dict[str, Any]) -> dict[str, Any]:
    """Nothing on pages without a request or a signed-in person."""
    request: HttpRequest | None = context.get("request")
    user = getattr(request, "user", None)
    if request is None or user is None or not user.is_authenticated:
        return {"user_key": ""}
    return {
        "user_key": str(user.pk),
        "ends_in": request.session.get_expiry_age(),
        "idle_minutes": conf.SESSION_IDLE_MINUTES,
        "words": json.dumps(_words(request.session.get_expiry_date())),
    }


def _words(ends_at: Any) -> dict[str, str]:
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
