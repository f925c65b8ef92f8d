"""Microsoft's sign-in page as a browser without cookies meets it: a page, or a redirect.

`accounts.http.client` speaks JSON only and takes a redirect for a fault; here both are the
answer. Its connections and its total time-out are used all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from urllib3 import Timeout
from urllib3.exceptions import HTTPError

from accounts.http.connections import CONNECT_SECONDS, make_manager
from accounts.http.deadline import Watchdog
from accounts.per_process import PerProcess
from accounts.reasons import Refused

if TYPE_CHECKING:
    from urllib3 import PoolManager

_SECONDS: Final = 8.0
_MOST: Final = 512 * 1024
_HEADERS: Final = {"Accept": "text/html", "User-Agent": "django-entra-sign-in doctor"}


@dataclass(frozen=True, slots=True)
class Page:
    """What the door answered; `location` is "" where it is no redirect."""

    status: int
    location: str
    text: str


def knock(url: str) -> Page:
    """GET the page. Raises Refused(microsoft_unreachable)."""
    try:
        with _watchdog.get().limit(_SECONDS):
            return _get(_manager.get(), url)
    except (HTTPError, OSError) as problem:
        detail = f"authorize: {type(problem).__name__}"
        raise Refused("microsoft_unreachable", detail) from None


def _get(manager: PoolManager, url: str) -> Page:
    response = manager.urlopen(
        "GET",
        url,
        redirect=False,
        retries=False,
        headers=_HEADERS,
        preload_content=False,
        timeout=Timeout(connect=CONNECT_SECONDS, read=_SECONDS),
    )
    try:
        text = response.read(_MOST).decode(errors="replace")
        return Page(response.status, response.headers.get("Location", ""), text)
    finally:
        response.close()
        manager.clear()


_manager = PerProcess(lambda: make_manager(None, 1))
_watchdog = PerProcess(Watchdog)
