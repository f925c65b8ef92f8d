"""Where to go after sign-in: a path under /admin/ or STAFF_PATHS, or /admin/ itself."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote, urlencode, urlsplit

from django.conf import settings
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

if TYPE_CHECKING:
    from django.http import HttpRequest

HOME: Final = "/admin/"
_LOOPS: Final = ("/admin/login/", "/admin/logout/")


def safe_next(value: str) -> str:
    """`value` when it is a path of staff's that a browser reads as one, else /admin/."""
    places = staff_places()
    if not value.startswith(places) or not value.isascii() or not value.isprintable():
        return HOME
    if not url_has_allowed_host_and_scheme(value, allowed_hosts=None) or "\\" in value:
        return HOME
    path = unquote(urlsplit(value).path)
    place = posixpath.normpath(path) + "/"
    if "\\" in path or not place.startswith(places) or place.startswith(_LOOPS):
        return HOME
    return value


def staff_places() -> tuple[str, ...]:
    """The path prefixes that are staff's: admin, and STAFF_PATHS."""
    return (HOME, *settings.STAFF_PATHS)


def next_from(request: HttpRequest) -> str:
    """The safe `next` of a request: the query's, else the form's."""
    return safe_next(request.GET.get("next") or request.POST.get("next") or "")


def start_url(next_path: str) -> str:
    """The URL that a sign-in is started at by POST."""
    return _with_next(reverse("microsoft_login"), next_path)


def login_page_url(next_path: str) -> str:
    """The login page, keeping `next`."""
    return _with_next(reverse("admin:login"), next_path)


def _with_next(url: str, next_path: str) -> str:
    if next_path == HOME:
        return url
    return f"{url}?{urlencode({'next': next_path}, quote_via=quote, safe='/')}"
