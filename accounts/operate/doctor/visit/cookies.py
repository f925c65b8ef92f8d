"""A browser's cookie rules, as far as they decide whether the session comes back from Microsoft.

RFC 6265bis: what a browser stores of Set-Cookie, and what it sends when another site redirects to
this one. http.cookiejar knows neither SameSite nor name prefixes, and gives no reasons. Chrome
treats loopback as secure, other browsers do not, nor does this.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from http.cookies import CookieError, Morsel, SimpleCookie
from itertools import chain
from typing import Final
from urllib.parse import urlsplit

_MAX_LENGTH: Final = 4096


@dataclass(frozen=True, slots=True, repr=False)
class Cookie:
    """A stored cookie; no repr, since its value may be a session key."""

    name: str
    value: str
    host: str
    host_only: bool
    path: str
    secure: bool
    same_site: str

    def goes_to(self, url: str, *, cross_site: bool) -> bool:
        """Whether a browser sends it with a GET of this URL."""
        parts = urlsplit(url)
        if self.secure and parts.scheme != "https":
            return False
        if cross_site and self.same_site == "strict":
            return False
        return self._is_for(parts.hostname or "") and _path_matches(parts.path or "/", self.path)

    def _is_for(self, host: str) -> bool:
        return host == self.host or (not self.host_only and host.endswith(f".{self.host}"))


class CookieJar:
    """The cookies of one visit; `refused` says which ones a browser would refuse, and why."""

    def __init__(self) -> None:
        self._cookies: dict[tuple[str, str, str], Cookie] = {}
        self.refused: dict[str, str] = {}

    def store(self, url: str, set_cookies: Iterable[str]) -> None:
        """Store what a browser would of these Set-Cookie headers."""
        for morsel in chain.from_iterable(map(_morsels, set_cookies)):
            if why := _why_refused(url, morsel):
                self.refused[morsel.key] = why
                continue
            cookie = _cookie(url, morsel)
            key = (cookie.name, cookie.host, cookie.path)
            if not morsel.value or str(morsel["max-age"]) == "0":
                self._cookies.pop(key, None)
                continue
            self.refused.pop(cookie.name, None)
            self._cookies[key] = cookie

    def header(self, url: str, *, cross_site: bool = False) -> str:
        """The Cookie header of a request to this URL; "" for none."""
        return "; ".join(
            f"{cookie.name}={cookie.value}"
            for cookie in self._cookies.values()
            if cookie.goes_to(url, cross_site=cross_site)
        )

    def named(self, name: str, part: str) -> list[Cookie]:
        """The cookies of this name; else, as the site's settings may differ, those like `part`."""
        cookies = self._cookies.values()
        exact = [cookie for cookie in cookies if cookie.name == name]
        return exact or [cookie for cookie in cookies if part in cookie.name]


def _morsels(header: str) -> list[Morsel[str]]:
    """Without attributes that Python does not know: for one of them it rejects the whole header."""
    parsed: SimpleCookie = SimpleCookie()
    first, *attributes = header.split(";")
    known = [text for text in attributes if text.partition("=")[0].strip().lower() in Morsel()]
    try:
        parsed.load(";".join([first, *known]))
    except CookieError:
        return []
    return list(parsed.values())


def _why_refused(url: str, morsel: Morsel[str]) -> str:
    """In words, or "" when a browser stores it."""
    parts = urlsplit(url)
    host, domain = parts.hostname or "", _domain(morsel)
    if domain and host != domain and not host.endswith(f".{domain}"):
        return f"its Domain is {domain}, but the page is on {host}"
    if morsel["secure"] and parts.scheme != "https":
        return "it is Secure, but the page came by http"
    if morsel.key.startswith("__") and not morsel["secure"]:
        return f"a name that begins with {morsel.key.partition('-')[0]}- demands Secure"
    if morsel.key.startswith("__Host-") and (domain or morsel["path"] != "/"):
        return "a name that begins with __Host- demands Path=/ and no Domain"
    if _same_site(morsel) == "none" and not morsel["secure"]:
        return "SameSite=None demands Secure"
    if len(morsel.key) + len(morsel.value) > _MAX_LENGTH:
        return f"it is longer than {_MAX_LENGTH} characters"
    return ""


def _cookie(url: str, morsel: Morsel[str]) -> Cookie:
    parts = urlsplit(url)
    domain = _domain(morsel)
    return Cookie(
        name=morsel.key,
        value=morsel.coded_value,
        host=domain or parts.hostname or "",
        host_only=not domain,
        path=morsel["path"] or parts.path.rpartition("/")[0] or "/",
        secure=bool(morsel["secure"]),
        same_site=_same_site(morsel),
    )


def _domain(morsel: Morsel[str]) -> str:
    return str(morsel["domain"]).lstrip(".").lower()


def _same_site(morsel: Morsel[str]) -> str:
    return str(morsel["samesite"]).lower() or "lax"


def _path_matches(path: str, cookie_path: str) -> bool:
    if path == cookie_path:
        return True
    return path.startswith(cookie_path if cookie_path.endswith("/") else f"{cookie_path}/")
