"""Plays the browser against the public address: its own cookies, a new connection each time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urljoin, urlsplit

from urllib3 import HTTPHeaderDict

from accounts.http import causes
from accounts.http.connection import Request
from accounts.http.deadline import Deadline
from accounts.http.origins import origin_of
from accounts.http.tls import trusted_context
from accounts.http.transport import Transport
from accounts.operate.doctor.jar import Jar

if TYPE_CHECKING:
    from collections.abc import Mapping

_SECONDS: Final = 8.0
_HOPS: Final = 6
_REASON: Final = re.compile(r'data-reason="([A-Za-z0-9_]+)"')
EASY_AUTH: Final = "/.auth/"  # where App Service's own sign-in lives
_REDIRECTS: Final = (301, 302, 303, 307, 308)
AGENT: Final = "doctor (django-entra-sign-in)"


class NoAnswer(Exception):
    """The address did not answer at all: `kind` is dns, refused, tls, time or broken."""

    def __init__(self, kind: str, url: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind
        self.url = url


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer; `location` is absolute, "" where it is no redirect."""

    url: str
    status: int
    headers: HTTPHeaderDict
    text: str
    location: str

    @property
    def reason(self) -> str:
        """The reason code that the page bears, or ""."""
        found = _REASON.search(self.text)
        return found[1] if found else ""

    @property
    def outcome(self) -> str:
        """The reason code, else the status."""
        return self.reason or f"HTTP {self.status}"


class Browser:
    """One visit. `ca_file` names the authority of a certificate that the system does not trust."""

    def __init__(self, ca_file: str = "") -> None:
        self.jar = Jar()
        self._transport = Transport(context=trusted_context(ca_file), keep=0)

    def get(self, url: str, *, cross_site: bool = False) -> Reply:
        """GET, without following redirects. Raises NoAnswer."""
        return self._send("GET", url, cross_site=cross_site)

    def post(self, url: str, fields: Mapping[str, str]) -> Reply:
        """Post a form as its own page does. Raises NoAnswer."""
        here = origin(url)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": here,
            "Referer": f"{here}/",
        }
        return self._send("POST", url, headers=headers, body=urlencode(fields))

    def come_back(self, url: str) -> list[Reply]:
        """GET from another site, as after Microsoft's redirect, and on to where that leads.

        Only on this host: nobody else is sent the state.
        """
        replies = [self.get(url, cross_site=True)]
        host = urlsplit(url).hostname
        while replies[-1].location and len(replies) < _HOPS:
            there = urlsplit(replies[-1].location)
            if there.hostname != host or there.path.startswith(EASY_AUTH):
                break
            replies.append(self.get(replies[-1].location, cross_site=True))
        return replies

    def _send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: str | None = None,
        cross_site: bool = False,
    ) -> Reply:
        cookies = self.jar.header(url, cross_site=cross_site)
        all_headers = {
            "User-Agent": AGENT,
            "Accept": "text/html",
            "Accept-Language": "en",
            "Connection": "close",
            **({"Cookie": cookies} if cookies else {}),
            **(headers or {}),
        }
        try:
            reply = self._ask(method, url, all_headers, body)
        except causes.NoAnswer as cause:
            raise _no_answer(url, cause) from None
        self.jar.take(url, reply.headers.getlist("Set-Cookie"))
        return reply

    def _ask(self, method: str, url: str, headers: Mapping[str, str], body: str | None) -> Reply:
        target = urlsplit(url)
        place = origin_of(url)
        if place is None:
            raise causes.UnknownName(target.hostname or url)
        path = f"{target.path or '/'}?{target.query}" if target.query else target.path or "/"
        data = None if body is None else body.encode()
        request = Request(method, place, path, headers, data)
        response = self._transport.ask(request, Deadline(_SECONDS))
        text = response.body.decode(errors="replace")
        where = response.headers.get("Location", "")
        location = urljoin(url, where) if response.status in _REDIRECTS and where else ""
        return Reply(url, response.status, HTTPHeaderDict(response.headers.items()), text, location)


def origin(url: str) -> str:
    """scheme://host of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _no_answer(url: str, cause: causes.NoAnswer) -> NoAnswer:
    kinds = {
        causes.TlsFailed: "tls",
        causes.UnknownName: "dns",
        causes.ResolverFailed: "dns",
        causes.SlowResolver: "dns",
        causes.PortSilent: "time",
        causes.NoCompleteAnswer: "time",
        causes.NoConnection: "refused",
    }
    kind = next((kind for type_, kind in kinds.items() if isinstance(cause, type_)), "broken")
    return NoAnswer(kind, url, cause.detail)
