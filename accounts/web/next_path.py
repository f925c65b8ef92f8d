"""Where to go after sign-in: a path of an admin site or of STAFF_PATHS, else admin's front page."""

from __future__ import annotations

import posixpath
from urllib.parse import quote, unquote, urlencode, urlsplit

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from .. import staff_urls


def safe_next(value: str, home: str = "") -> str:
    """`value` when it is a path of staff's for any browser, else `home` or admin."""
    home, staffs = home or staff_urls.home(), staff_urls.staff_prefixes()
    if not value.startswith(staffs) or not value.isascii() or not value.isprintable():
        return home
    if not url_has_allowed_host_and_scheme(value, allowed_hosts=None) or "\\" in value:
        return home
    path = unquote(urlsplit(value).path)
    place = posixpath.normpath(path) + "/"
    if (
        "\\" in path
        or not place.startswith(staffs)
        or place.startswith(staff_urls.sign_in_prefixes())
    ):
        return home
    return value


def next_from(request: HttpRequest, home: str = "") -> str:
    """The safe `next` of a request: the query's, else the form's."""
    return safe_next(request.GET.get("next") or request.POST.get("next") or "", home)


def start_url(next_path: str) -> str:
    """The URL to start a sign-in at, by POST."""
    return _with_next(reverse("staff_login"), next_path)


def login_page_url(next_path: str, ended: str = "") -> str:
    """The URL of the login page; `ended` is why a session ended, which the page shows."""
    return _with_next(staff_urls.login_page(next_path), next_path, ended)


def _with_next(url: str, next_path: str, ended: str = "") -> str:
    query = {"next": next_path if next_path != staff_urls.home() else "", "ended": ended}
    named = {name: value for name, value in query.items() if value}
    return f"{url}?{urlencode(named, quote_via=quote, safe='/')}" if named else url
