"""Plays the browser against an address: its own cookies, a new connection each time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from urllib3 import HTTPHeaderDict

from ....http import causes
from ....http.connection import Request
from ....http.deadline import Deadline
from ....http.origins import origin_of
from ....http.tls import trusted_context
from ....http.transport import Transport
from ....web import doctor_visits
from .cookies import CookieJar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ....http.connection import Response

_SECONDS: Final = 8.0
_HOPS: Final = 6
_REASON: Final = re.compile(r'data-reason="([A-Za-z0-9_]+)"')
_REFERENCE: Final = re.compile(r"<code>([0-9A-Z]{4}-[0-9A-Z]{4})</code>")
_TITLE: Final = re.compile(r"<title[^>]*>(.*?)</title>", re.S | re.I)
EASY_AUTH: Final = "/.auth/"  # where App Service's own sign-in lives
_REDIRECTS: Final = (301, 302, 303, 307, 308)
AGENT: Final = "doctor (django-entra-sign-in)"


class NoAnswer(Exception):
    """The address did not answer at all; `code` is what FIXES knows it by, or ""."""

    def __init__(self, url: str, code: str, text: str) -> None:
        super().__init__(text)
        self.url = url
        self.code = code


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
        """The reason code, else the status and what the page says of itself."""
        return self.reason or self.quote

    @property
    def reference(self) -> str:
        """What the record and the log know the page by, or ""."""
        found = _REFERENCE.search(self.text)
        return found[1] if found else ""

    @property
    def detail(self) -> str:
        """What the site says to doctor alone of a refusal; "" when it does not know us."""
        return self.headers.get(doctor_visits.DETAIL, "")

    @property
    def quote(self) -> str:
        """Status, title and Server header, to recognise somebody else's page by."""
        title = _TITLE.search(self.text)
        named = f' "{" ".join(unescape(title[1]).split())[:80]}"' if title else ""
        server = self.headers.get("Server", "")[:40]
        return f"HTTP {self.status}{named}" + (f" (Server: {server})" if server else "")

    def received(self, *names: str) -> str:
        """These headers as they arrived."""
        found = [(name, self.headers.getlist(name)) for name in names]
        return "; ".join(f"{name}: {', '.join(values)}"[:300] for name, values in found if values)


class Browser:
    """One visit. `ca_file` names the authority of a certificate that the system does not trust."""

    def __init__(self, ca_file: str = "") -> None:
        self.cookies = CookieJar()
        self.seconds = _SECONDS
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

    def come_back(self, url: str, headers: Mapping[str, str] | None = None) -> list[Reply]:
        """GET from another site, as after Microsoft's redirect, and on to where that leads.

        Only on this host: nobody else is sent the state.
        """
        replies = [self._send("GET", url, headers=headers, cross_site=True)]
        host = urlsplit(url).hostname
        while replies[-1].location and len(replies) < _HOPS:
            there = urlsplit(replies[-1].location)
            if there.hostname != host or there.path.startswith(EASY_AUTH):
                break
            there_url = replies[-1].location
            replies.append(self._send("GET", there_url, headers=headers, cross_site=True))
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
        cookies = self.cookies.header(url, cross_site=cross_site)
        parts = urlsplit(url)
        state = parse_qs(parts.query).get("state", [""])[0]
        all_headers = {
            doctor_visits.PROOF: doctor_visits.proof_of(parts.path or "/", state),
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
            raise NoAnswer(url, code_of(cause), cause.detail) from cause
        self.cookies.take(url, reply.headers.getlist("Set-Cookie"))
        return reply

    def _ask(self, method: str, url: str, headers: Mapping[str, str], body: str | None) -> Reply:
        target, place = urlsplit(url), origin_of(origin(url))
        if place is None:
            raise causes.UnknownName(target.hostname or url)
        path = f"{target.path or '/'}?{target.query}" if target.query else target.path or "/"
        data = None if body is None else body.encode()
        request = Request(method, place, path, headers, data)
        return reply_of(url, self._transport.ask(request, Deadline(self.seconds)))


def reply_of(url: str, response: Response) -> Reply:
    """An answer of accounts.http, as a browser takes it."""
    where = response.headers.get("Location", "")
    location = urljoin(url, where) if response.status in _REDIRECTS and where else ""
    text = response.body.decode(errors="replace")
    return Reply(url, response.status, HTTPHeaderDict(response.headers.items()), text, location)


def origin(url: str) -> str:
    """scheme://host of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def code_of(cause: causes.NoAnswer) -> str:
    """What doctor's causes.FIXES knows the cause by; "" for none."""
    if isinstance(cause, causes.CertificateRefused):
        return f"verify {cause.verify_code}"
    if isinstance(cause, causes.TlsSilent):
        return "no handshake"
    if isinstance(cause, causes.TlsFailed):
        return cause.openssl or "TLS"
    return _CODES.get(type(cause), "")


_CODES: Final = {
    causes.UnknownName: "EAI_NONAME",
    causes.ResolverFailed: "EAI_AGAIN",
    causes.SlowResolver: "EAI_AGAIN",
    causes.PortRefused: "ECONNREFUSED",
    causes.PortSilent: "timeout",
    causes.Unroutable: "EHOSTUNREACH",
    causes.NoCompleteAnswer: "timeout",
    causes.BrokenOff: "ECONNRESET",
}
