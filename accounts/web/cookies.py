"""Ignores cookies with an invalid name, and two cookies of one name.

Django strips Unicode spaces around a name. A sibling host may set `U+2000 __Host-sessionid` for the
parent domain, even by plain http, since browsers check the prefix of the whole name only: Django
would take it for this site's. Of two cookies with one name, nothing says which site set which
(RFC 6265, 4.2.2).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from django.conf import settings
from django.http import HttpRequest
from django.utils.deprecation import MiddlewareMixin

_HEADER: Final = "HTTP_COOKIE"
_SENT_TWICE: Final = "accounts.cookies_sent_twice"
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 6265 4.1.1, RFC 9110 5.6.2


class CookieMiddleware(MiddlewareMixin):
    """Before all middleware that reads cookies."""

    def process_request(self, request: HttpRequest) -> None:
        header = request.META.get(_HEADER, "")
        if header:
            names = (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME)
            request.META[_HEADER], request.META[_SENT_TWICE] = readable(header, names)


def sent_twice(request: HttpRequest, name: str) -> bool:
    """Whether the browser sent two different cookies of this name, which were ignored."""
    return name in request.META.get(_SENT_TWICE, ())


def readable(header: str, names: Iterable[str]) -> tuple[str, tuple[str, ...]]:
    """The header without invalid cookies and those of `names` with two values; the latter."""
    values: dict[str, list[str]] = defaultdict(list)
    for pair in header.split(";"):
        name, equals, value = pair.partition("=")
        name = name.strip(" \t")
        if equals and _TOKEN.fullmatch(name):
            values[name].append(value.strip(" \t"))
    twice = tuple(name for name in names if len(set(values[name])) > 1)
    kept = [
        f"{name}={value}"
        for name, found in values.items()
        if name not in twice
        for value in dict.fromkeys(found)
    ]
    return "; ".join(kept), twice
