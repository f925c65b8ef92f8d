"""A browser's cookie rules, as far as they decide whether the session comes back from Microsoft.

The standard library's jar, with what RFC 6265bis adds: SameSite, name prefixes, and no Secure
cookie over http. Chrome treats loopback as secure, other browsers do not, nor does this.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from email.message import Message
from http import cookiejar
from io import BytesIO
from typing import Final
from urllib.parse import urlsplit
from urllib.request import Request
from urllib.response import addinfourl

from typing_extensions import override

_MAX_LENGTH: Final = 4096


class CookieJar(cookiejar.CookieJar):
    """The cookies of one visit; `refused` says which ones a browser would refuse, and why."""

    def __init__(self) -> None:
        self.refused: dict[str, str] = {}
        super().__init__(_BrowserPolicy(self.refused))

    @override
    def __repr__(self) -> str:
        return "CookieJar()"  # values may be session keys

    def store(self, url: str, set_cookies: Iterable[str]) -> None:
        """Store what a browser would of these Set-Cookie headers."""
        for text in set_cookies:
            headers = Message()  # in which the library finds SameSite by its exact name
            headers["Set-Cookie"] = re.sub(r"(?i);\s*samesite\s*=", "; SameSite=", text)
            response = addinfourl(BytesIO(), headers, url)
            self.extract_cookies(response, _request(url))  # type: ignore[arg-type]  # has info()

    def header(self, url: str, *, cross_site: bool = False) -> str:
        """The Cookie header of a GET of this URL, from this site or another; "" for none."""
        request = _request(url, cross_site=cross_site)
        self.add_cookie_header(request)
        return str(request.get_header("Cookie", ""))

    def names_sent(self, url: str, *, cross_site: bool) -> set[str]:
        """The names in that header."""
        header = self.header(url, cross_site=cross_site)
        return {text.partition("=")[0] for text in header.split("; ")}

    def named(self, name: str, part: str) -> list[cookiejar.Cookie]:
        """The cookies of this name; else, as the site's settings may differ, those like `part`."""
        exact = [cookie for cookie in self if cookie.name == name]
        return exact or [cookie for cookie in self if part in cookie.name]


class _BrowserPolicy(cookiejar.DefaultCookiePolicy):
    def __init__(self, refused: dict[str, str]) -> None:
        super().__init__(strict_ns_domain=self.DomainStrictNonDomain)
        self._refused = refused

    @override
    def set_ok(self, cookie: cookiejar.Cookie, request: Request) -> bool:
        self._refused.pop(cookie.name, None)
        if why := _why_refused(cookie, request):
            self._refused[cookie.name] = why
        return not why

    @override
    def return_ok(self, cookie: cookiejar.Cookie, request: Request) -> bool:
        is_withheld = request.unverifiable and same_site(cookie) == "strict"
        return not is_withheld and super().return_ok(cookie, request)

    @override
    def return_ok_domain(self, cookie: cookiejar.Cookie, request: Request) -> bool:
        """The library takes localhost for localhost.local, which is not in Domain=localhost."""
        is_own = cookie.domain == f".{urlsplit(request.full_url).hostname}"
        return is_own or super().return_ok_domain(cookie, request)


def _request(url: str, *, cross_site: bool = False) -> Request:
    return Request(url, unverifiable=cross_site)  # noqa: S310 - nothing is opened


def same_site(cookie: cookiejar.Cookie) -> str:
    """Its SameSite, which is lax where nothing else is set."""
    return (cookie.get_nonstandard_attr("SameSite") or "lax").lower()


def _why_refused(cookie: cookiejar.Cookie, request: Request) -> str:
    """In words, or "" when a browser stores it."""
    host, domain = urlsplit(request.full_url).hostname or "", cookie.domain.lstrip(".")
    if cookie.domain_specified and not f".{host}".endswith(f".{domain}"):
        return f"its Domain is {domain}, but the page is on {host}"
    if cookie.secure and request.type != "https":
        return "it is Secure, but the page came by http"
    if cookie.name.startswith("__") and not cookie.secure:
        return f"a name that begins with {cookie.name.partition('-')[0]}- demands Secure"
    has_path = cookie.path_specified and cookie.path == "/"
    if cookie.name.startswith("__Host-") and (cookie.domain_specified or not has_path):
        return "a name that begins with __Host- demands Path=/ and no Domain"
    if same_site(cookie) == "none" and not cookie.secure:
        return "SameSite=None demands Secure"
    if len(cookie.name) + len(cookie.value or "") > _MAX_LENGTH:
        return f"it is longer than {_MAX_LENGTH} characters"
    return "" if f"{cookie.name}{cookie.value}".isprintable() else "it has control characters"
