"""A person with a browser, over plain HTTP: cookies, the login page's form, Microsoft's page.

visitor = Visitor(site.url)
answer = visitor.sign_in("staff")          # login page -> button -> Microsoft -> callback
assert visitor.is_in() and answer.status == 302
assert visitor.sign_in("nobody").reason == "unknown_user"

The steps can be taken one by one: `press_button()` gives Microsoft's address, `choose()` the
callback's, `come_back()` goes there. Nothing is followed that a test does not follow itself.
"""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import requests

from tests.emulator import person as at_microsoft

ADMIN = "/admin/"
LOGIN = "/admin/login/"
START = "/accounts/microsoft/login/"
CALLBACK = "/accounts/microsoft/login/callback/"
SECONDS = 40


@dataclass(frozen=True)
class Page:
    """An answer of the site, and what a test asks of it."""

    status: int
    headers: Mapping[str, str]
    text: str
    url: str

    @property
    def reason(self) -> str:
        """The refusal's code, or ""."""
        found = re.search(r'data-reason="([A-Za-z0-9_]+)"', self.text)
        return found[1] if found else ""

    @property
    def reference(self) -> str:
        """The reference on a refusal page, or ""."""
        found = re.search(r"<code>([A-Z0-9]{4}-[A-Z0-9]{4})</code>", self.text)
        return found[1] if found else ""

    @property
    def location(self) -> str:
        """Where a redirect goes, as an absolute address, or ""."""
        there = self.headers.get("Location", "")
        return urljoin(self.url, there) if there else ""

    def form(self) -> tuple[str, dict[str, str]]:
        """The sign-in form's address and its hidden fields."""
        found = re.search(r'<form action="([^"]*microsoft/login[^"]*)".*?</form>', self.text, re.S)
        assert found, f"no sign-in form in {self.text[:500]}"
        names = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', found[0])
        fields = {name: html.unescape(value) for name, value in names}
        return urljoin(self.url, html.unescape(found[1])), fields


class Visitor:
    """One browser profile. `verify` is a CA file, or False for a proxy's own certificate.

    `admin` is where the site's admin is.
    """

    def __init__(
        self,
        site_url: str,
        *,
        verify: bool | str = True,
        headers: Mapping[str, str] | None = None,
        admin: str = ADMIN,
    ) -> None:
        self.site_url, self.admin = site_url, admin
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.verify = verify
        self.http.headers.update({"User-Agent": "tests", **(headers or {})})

    def get(self, path: str, **kwargs: Any) -> Page:
        return self._ask("GET", path, **kwargs)

    def post(self, path: str, fields: Mapping[str, str] | None = None, **kwargs: Any) -> Page:
        origin = {"Origin": self.site_url} | kwargs.pop("headers", {})
        return self._ask("POST", path, data=fields or {}, headers=origin, **kwargs)

    def press_button(self, next_path: str = "") -> str:
        """From the login page to Microsoft's address."""
        query = {"next": next_path} if next_path else {}
        return self.submit(self.get(f"{self.admin}login/", params=query)).location

    def submit(self, page: Page) -> Page:
        """Press the sign-in or Try again button on a page."""
        return self.post(*page.form())

    def choose(self, authorize_url: str, person: str = "staff", **kwargs: Any) -> str:
        """Be someone at Microsoft; the callback's address."""
        return at_microsoft.sign_in_as(authorize_url, person, quick=True, **kwargs)

    def come_back(self, callback_url: str) -> Page:
        return self.get(callback_url)

    def sign_in(self, person: str = "staff", next_path: str = "") -> Page:
        """All of it; the answer of the callback."""
        return self.come_back(self.choose(self.press_button(next_path), person))

    def is_in(self) -> bool:
        """Whether admin lets this browser in."""
        return self.get(self.admin).status == 200

    def sign_out(self) -> Page:
        page = self.get(self.admin)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert token
        return self.post(f"{self.admin}logout/", {"csrfmiddlewaretoken": token[1]})

    def session_cookie(self) -> str:
        """The session cookie's value, or ""."""
        values = [c.value or "" for c in self.http.cookies if "session" in c.name]
        return values[0] if values else ""

    def _ask(self, method: str, path: str, **kwargs: Any) -> Page:
        url = urljoin(self.site_url, path)
        answer = self.http.request(method, url, allow_redirects=False, timeout=SECONDS, **kwargs)
        return Page(answer.status_code, answer.headers, answer.text, answer.url)


def query_of(url: str) -> dict[str, str]:
    """A URL's parameters, each once."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
