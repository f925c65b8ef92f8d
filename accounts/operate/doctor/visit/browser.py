"""A browser as far as doctor needs one: cookies, and a new connection for each request."""

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
    """A response; `location` is absolute, or "" where it is not a redirect."""

    url: str
    status: int
    headers: Message
    text: str
    location: str

    @property
    def reason(self) -> str:
        """The page's reason code, or ""."""
        found = _REASON.search(self.text)
        return found[1] if found else ""

    @property
    def outcome(self) -> str:
        """The reason code, else the status and the page's title."""
        return self.reason or self.quote

    @property
    def reference(self) -> str:
        """The page's reference, by which record and log find it, or ""."""
        found = _REFERENCE.search(self.text)
        return found[1] if found else ""

    @property
    def detail(self) -> str:
        """The refusal's detail, which the site tells only doctor; "" with another SECRET_KEY."""
        return self.header(doctor_visits.DETAIL)

    @property
    def quote(self) -> str:
        """Status, title and Server header, by which to recognise a foreign page."""
        title = _TITLE.search(self.text)
        named = f' "{" ".join(unescape(title[1]).split())[:80]}"' if title else ""
        server = self.header("Server")[:40]
        return f"HTTP {self.status}{named}" + (f" (Server: {server})" if server else "")

    def header(self, name: str) -> str:
        """All its values, joined (RFC 9110, section 5.3)."""
        return ", ".join(self.headers.get_all(name, []))

    def received(self, *names: str) -> str:
        """These headers as they arrived."""
        found = ((name, self.header(name)) for name in names)
        return "; ".join(f"{name}: {value}"[:300] for name, value in found if value)


class Browser:
    """One visit; `at` is the URL of the last request.

    `ca_file` names an authority to trust besides the system's.
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
        """POST a form, as its own page does. Raises NoAnswer."""
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": origin(url),
            "Referer": f"{origin(url)}/",
        }
        return self._send("POST", url, headers=headers, body=urlencode(fields).encode())

    def return_to(self, url: str, headers: Mapping[str, str]) -> Reply:
        """GET as after Microsoft's redirect, and follow redirects on this host.

        No other host is sent the state. Raises NoAnswer.
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
        self.cookies.store(url, reply.headers.get_all("Set-Cookie", []))
        return reply


def reply_of(url: str, response: Response) -> Reply:
    """The response to a request for this URL."""
    location = response.headers.get("Location", "") if response.status in _REDIRECTS else ""
    absolute = urljoin(url, location) if location else ""
    text = response.body.decode(errors="replace")
    return Reply(url, response.status, response.headers, text, absolute)


def origin(url: str) -> str:
    """scheme://host of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
