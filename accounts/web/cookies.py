"""Cookies of neighbours: names that are none, and two cookies of one name, are not read.

Django takes Unicode spaces away around a name. A sibling host may set `U+2000 __Host-sessionid` for
the parent domain, even by plain http, and browsers guard prefixes of the whole name only: it would
pass for ours. And where two cookies have one name, nothing says whose is whose (RFC 6265, 4.2.2).
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
    """Stands before whatever reads a cookie."""

    def process_request(self, request: HttpRequest) -> None:
        header = request.META.get(_HEADER, "")
        if header:
            ours = (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME)
            request.META[_HEADER], request.META[_SENT_TWICE] = readable(header, ours)


def sent_twice(request: HttpRequest, name: str) -> bool:
    """Whether the browser sent two cookies of this name, so that neither was read."""
    return name in request.META.get(_SENT_TWICE, ())


def readable(header: str, ours: Iterable[str]) -> tuple[str, tuple[str, ...]]:
    """The cookies that have a name, and those of `ours` that came with two values, left out."""
    values: dict[str, list[str]] = defaultdict(list)
    for pair in header.split(";"):
        name, equals, value = pair.partition("=")
        name = name.strip(" \t")
        if equals and _TOKEN.fullmatch(name):
            values[name].append(value.strip(" \t"))
    twice = tuple(name for name in ours if len(set(values[name])) > 1)
    kept = [
        f"{name}={value}"
        for name, found in values.items()
        if name not in twice
        for value in dict.fromkeys(found)
    ]
    return "; ".join(kept), twice
