"""A browser with an address of its own: cookies, one connection a request, nothing followed."""

import http.client
import re
from dataclasses import dataclass
from html import unescape
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from accounts.signin import state
from tests.emulator.person import Stopped, sign_in_as
from tests.servers.ports import LOOPBACK
from tests.support.visitor import LOGIN, Page

PATIENCE_S = 30
LOST = (http.client.HTTPException, OSError)


class NotSignedIn(Exception):
    """An answer that is not the next step of a sign-in; `page` None: no answer at all."""

    def __init__(self, page: Page | None, step: str) -> None:
        super().__init__(step)
        self.page, self.step = page, step


@dataclass(frozen=True, slots=True)
class Admitted:
    reference: str
    cookies: dict[str, str]


class Client:
    """`person` at Microsoft; `number` gives its address, so that throttles tell clients apart."""

    def __init__(self, site_url: str, number: int, person: str) -> None:
        parts = urlsplit(site_url)
        self.site_url, self.netloc, self.port = site_url, parts.netloc, parts.port or 80
        self.address = f"127.0.0.{number + 2}"
        self.person = person
        self.cookies: dict[str, str] = {}

    def fresh(self) -> None:
        self.cookies = {}

    def sign_in(self) -> Admitted:
        """From the login page into admin."""
        return self.press(self._expect(200, self.ask("GET", LOGIN), "login page"))

    def press(self, page: Page) -> Admitted:
        """From any page with our button, a refusal's Try again included."""
        return self.come_back(self.leave(page))

    def leave(self, page: Page) -> str:
        """Press the button and be someone at Microsoft; the callback's path."""
        address, fields = page.form()
        path = urlsplit(address)
        asked = self.ask("POST", f"{path.path}?{path.query}", fields)
        there = self._expect(302, asked, "start").location
        try:
            back = urlsplit(sign_in_as(there, self.person, quick=True))
        except (Stopped, *LOST):
            raise NotSignedIn(None, "microsoft") from None
        return f"{back.path}?{back.query}"

    def come_back(self, callback: str) -> Admitted:
        page = self._expect(302, self.ask("GET", callback), "callback")
        if urlsplit(page.location).path != "/admin/":
            raise NotSignedIn(page, "callback")
        return Admitted(reference_of(callback), dict(self.cookies))

    def ask(self, method: str, path: str, fields: dict[str, str] | None = None) -> Page:
        try:
            return self._ask(method, path, fields)
        except LOST:
            raise NotSignedIn(None, f"{method} {path.partition('?')[0]}") from None

    def _ask(self, method: str, path: str, fields: dict[str, str] | None) -> Page:
        connection = http.client.HTTPConnection(
            LOOPBACK, self.port, timeout=PATIENCE_S, source_address=(self.address, 0)
        )
        try:
            body = None if fields is None else urlencode(fields)
            connection.request(method, path, body, self._headers(body))
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        self._keep(answer.headers)
        return Page(answer.status, dict(answer.headers), text, f"{self.site_url}{path}")

    def _headers(self, body: str | None) -> dict[str, str]:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {"Host": self.netloc, "User-Agent": "soak", "Cookie": cookies}
        if body is not None:
            headers |= {
                "Content-Type": "application/x-www-form-urlencoded",
                "Origin": self.site_url,
            }
        return headers

    def _keep(self, headers: Any) -> None:
        for line in headers.get_all("Set-Cookie") or ():
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value

    def _expect(self, status: int, page: Page, step: str) -> Page:
        if page.status != status:
            raise NotSignedIn(page, step)
        return page


def has_button(page: Page) -> bool:
    return re.search(r'<form action="[^"]*microsoft/login', page.text) is not None


def has_link_to_login(page: Page) -> bool:
    return f'href="{LOGIN}"' in unescape(page.text)


def reference_of(callback: str) -> str:
    """What names the attempt in the record: it travels in the signed state."""
    return state.read(parse_qs(urlsplit(callback).query)["state"][0]).reference
