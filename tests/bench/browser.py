"""A browser that costs little: one connection, cookies, and the four requests of a sign-in."""

import http.client
import re
import time
from dataclasses import dataclass
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urlsplit

from tests.bench.metering import HEADER

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
START = "/accounts/microsoft/login/"
FRONT_PAGE = "/admin/"


class Failed(RuntimeError):
    """A sign-in that did not end in admin."""


@dataclass(frozen=True)
class Timed:
    """Seconds and SQL statements of the three requests to the site."""

    page: float
    start: float
    callback: float
    sql: tuple[int, int, int]

    @property
    def whole(self) -> float:
        return self.page + self.start + self.callback


class Browser:
    def __init__(self, site_url: str) -> None:
        self.netloc = urlsplit(site_url).netloc
        self._connection = http.client.HTTPConnection(self.netloc, timeout=60)
        self._cookies: dict[str, str] = {}
        self._sql = 0

    def sign_in(self, pause: float = 0.0) -> Timed:
        """`pause` is the time, in seconds, that the person spends at Microsoft."""
        self._cookies.clear()
        page, text, sql_page = self._timed("GET", "/admin/login/")
        form = urlencode({"csrfmiddlewaretoken": _token(text)})
        start, there, sql_start = self._timed("POST", START, form)
        time.sleep(pause)
        back = _at_microsoft(there)
        callback, location, sql_callback = self._timed("GET", back)
        if not location.endswith(FRONT_PAGE):
            raise Failed(f"{back.partition('?')[0]} led to {location[:200]!r}")
        return Timed(page, start, callback, (sql_page, sql_start, sql_callback))

    def page_ms(self, path: str) -> float:
        """Milliseconds of a page of someone who is signed in."""
        seconds, _text, _sql = self._timed("GET", path)
        return seconds * 1000

    def page_sql(self, path: str) -> int:
        """SQL statements of a page of someone who is signed in."""
        return self._timed("GET", path)[2]

    def _timed(self, method: str, path: str, body: str | None = None) -> tuple[float, str, int]:
        """Seconds, then where a redirect goes or the page's text, then SQL statements."""
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self._cookies.items())}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        began = time.perf_counter()
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        text = answer.read()
        took = time.perf_counter() - began
        for line in answer.headers.get_all("Set-Cookie") or ():
            self._cookies.update({k: m.value for k, m in SimpleCookie(line).items()})
        location = answer.headers.get("Location") or text.decode()
        return took, location, int(answer.headers.get(HEADER) or 0)


def _token(page: str) -> str:
    found = TOKEN.search(page)
    if found is None:
        raise Failed("the login page has no form")
    return found[1]


def _at_microsoft(authorize_url: str) -> str:
    """The callback's path, by the emulator's short way."""
    parts = urlsplit(authorize_url)
    connection = http.client.HTTPSConnection(parts.netloc, timeout=60)
    path = f"{parts.path}?{parts.query}"
    connection.request("GET", path, headers={"X-Emulator-Person": "staff"})
    location = connection.getresponse().headers.get("Location") or ""
    connection.close()
    if not location:
        raise Failed("Microsoft did not send the person back")
    back = urlsplit(location)
    return f"{back.path}?{back.query}"
