"""A browser's cookie rules, as far as they decide whether the session comes back from Microsoft.

RFC 6265bis: what a browser takes from Set-Cookie, and what it sends, also when another site (the
authority) is where the request comes from. Loopback is no exception here: Chrome makes one, others
do not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http.cookies import CookieError, Morsel, SimpleCookie
from typing import Final
from urllib.parse import urlsplit

_LONGEST: Final = 4096


@dataclass(frozen=True, slots=True, repr=False)
class Cookie:
    """One cookie as the jar keeps it; no repr, since its value may be a session key."""

    name: str
    value: str
    host: str
    host_only: bool
    path: str
    secure: bool
    same_site: str

    def goes_to(self, url: str, *, cross_site: bool) -> bool:
        """Whether a browser sends it with a GET to this address."""
        parts = urlsplit(url)
        if self.secure and parts.scheme != "https":
            return False
        if cross_site and self.same_site == "strict":
            return False
        return self._is_for(parts.hostname or "") and _path_matches(parts.path or "/", self.path)

    def _is_for(self, host: str) -> bool:
        return host == self.host or (not self.host_only and host.endswith(f".{self.host}"))


class CookieJar:
    """The cookies of one visit; `refused` says which ones a browser would not take, and why."""

    def __init__(self) -> None:
        self._cookies: dict[tuple[str, str, str], Cookie] = {}
        self.refused: dict[str, str] = {}

    def take(self, url: str, set_cookies: Iterable[str]) -> list[Cookie]:
        """Keep what a browser would keep of these Set-Cookie headers; returns that."""
        return [cookie for header in set_cookies for cookie in self._take_one(url, header)]

    def header(self, url: str, *, cross_site: bool = False) -> str:
        """The Cookie header of a request to this address; "" for none."""
        sent = [c for c in self._cookies.values() if c.goes_to(url, cross_site=cross_site)]
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in sent)

    def named(self, name: str, part: str) -> list[Cookie]:
        """The cookie of this name; else those with this in theirs, for settings may differ."""
        there = self._cookies.values()
        exact = [cookie for cookie in there if cookie.name == name]
        return exact or [cookie for cookie in there if part in cookie.name]

    def _take_one(self, url: str, header: str) -> Iterator[Cookie]:
        for morsel in _morsels(header):
            why = _why_refused(url, morsel)
            if why:
                self.refused[morsel.key] = why
                continue
            cookie = _cookie(url, morsel)
            place = (cookie.name, cookie.host, cookie.path)
            if _is_removal(morsel):
                self._cookies.pop(place, None)
                continue
            self.refused.pop(cookie.name, None)
            self._cookies[place] = cookie
            yield cookie


def _morsels(header: str) -> list[Morsel[str]]:
    """Without attributes that are newer than Python, which would take the whole header for bad."""
    parsed: SimpleCookie = SimpleCookie()
    first, *more = header.split(";")
    known = [each for each in more if each.partition("=")[0].strip().lower() in Morsel()]
    try:
        parsed.load(";".join([first, *known]))
    except CookieError:
        return []
    return list(parsed.values())


def _why_refused(url: str, morsel: Morsel[str]) -> str:
    """In words, or "" when a browser takes it."""
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
    if len(morsel.key) + len(morsel.value) > _LONGEST:
        return f"it is longer than {_LONGEST} characters"
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


def _is_removal(morsel: Morsel[str]) -> bool:
    return not morsel.value or str(morsel["max-age"]) == "0"


def _path_matches(path: str, cookie_path: str) -> bool:
    if path == cookie_path:
        return True
    return path.startswith(cookie_path if cookie_path.endswith("/") else f"{cookie_path}/")
