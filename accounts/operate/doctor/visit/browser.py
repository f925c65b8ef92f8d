"""Plays the browser against an address: its own cookies, a new connection each time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from html import unescape
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from ....http import causes
from ....http.connection import Request, Response
from ....http.deadline import Deadline
from ....http.origins import origin_of
from ....http.tls import trusted_context
from ....http.transport import Transport
from ....web import doctor_visits
from .cookies import CookieJar

_SECONDS: Final = 8.0
_HOPS: Final = 6
_REASON: Final = re.compile(r'data-reason="([A-Za-z0-9_]+)"')
_REFERENCE: Final = re.compile(r"<code>([0-9A-Z]{4}-[0-9A-Z]{4})</code>")
_TITLE: Final = re.compile(r"<title[^>]*>(.*?)</title>", re.S | re.I)
EASY_AUTH: Final = "/.auth/"  # where App Service's own sign-in lives
_REDIRECTS: Final = (301, 302, 303, 307, 308)
AGENT: Final = "doctor (django-entra-sign-in)"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer; `location` is absolute, "" where it is no redirect."""

    url: str
    status: int
    headers: Message
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
        return self.header(doctor_visits.DETAIL)

    @property
    def quote(self) -> str:
        """Status, title and Server header, to recognise somebody else's page by."""
        title = _TITLE.search(self.text)
        named = f' "{" ".join(unescape(title[1]).split())[:80]}"' if title else ""
        server = self.header("Server")[:40]
        return f"HTTP {self.status}{named}" + (f" (Server: {server})" if server else "")

    def header(self, name: str) -> str:
        """All its values, as one (RFC 9110, section 5.3)."""
        return ", ".join(self.headers.get_all(name, []))

    def received(self, *names: str) -> str:
        """These headers as they arrived."""
        found = ((name, self.header(name)) for name in names)
        return "; ".join(f"{name}: {value}"[:300] for name, value in found if value)


class Browser:
    """One visit; `at` is the address that it asked last.

    `ca_file` names the authority of a certificate that the system does not trust.
    """

    def __init__(self, ca_file: str = "") -> None:
        self.cookies = CookieJar()
        self.seconds = _SECONDS
        self.at = ""
        self._transport = Transport(context=trusted_context(ca_file), keep=0)

    def get(self, url: str) -> Reply:
        """GET, without following redirects. Raises NoAnswer."""
        return self._send("GET", url)

    def post(self, url: str, fields: Mapping[str, str]) -> Reply:
        """Post a form as its own page does. Raises NoAnswer."""
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": origin(url),
            "Referer": f"{origin(url)}/",
        }
        return self._send("POST", url, headers=headers, body=urlencode(fields).encode())

    def come_back(self, url: str, headers: Mapping[str, str]) -> Reply:
        """GET from another site, as after Microsoft's redirect, and on to where that leads.

        Only on this host: nobody else is sent the state. Raises NoAnswer.
        """
        host = urlsplit(url).hostname
        for _ in range(_HOPS):
            reply = self._send("GET", url, headers=headers, cross_site=True)
            following = urlsplit(reply.location)
            if following.hostname != host or following.path.startswith(EASY_AUTH):
                break
            url = reply.location
        return reply

    def _send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] = MappingProxyType({}),
        body: bytes | None = None,
        cross_site: bool = False,
    ) -> Reply:
        self.at = url
        parts, server = urlsplit(url), origin_of(origin(url))
        if server is None:
            raise causes.UnknownName(parts.hostname or url)
        path, state = parts.path or "/", parse_qs(parts.query).get("state", [""])[0]
        cookies = self.cookies.header(url, cross_site=cross_site)
        all_headers = {
            doctor_visits.PROOF: doctor_visits.proof_of(path, state),
            "User-Agent": AGENT,
            "Accept": "text/html",
            "Accept-Language": "en",
            "Connection": "close",
            **({"Cookie": cookies} if cookies else {}),
            **headers,
        }
        target = f"{path}?{parts.query}" if parts.query else path
        request = Request(method, server, target, all_headers, body)
        reply = reply_of(url, self._transport.ask(request, Deadline(self.seconds)))
        self.cookies.take(url, reply.headers.get_all("Set-Cookie", []))
        return reply


def reply_of(url: str, response: Response) -> Reply:
    """An answer of accounts.http, as a browser takes it."""
    location = response.headers.get("Location", "") if response.status in _REDIRECTS else ""
    text = response.body.decode(errors="replace")
    there = urljoin(url, location) if location else ""
    return Reply(url, response.status, response.headers, text, there)


def origin(url: str) -> str:
    """scheme://host of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
