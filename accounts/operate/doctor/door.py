"""Microsoft's sign-in page as a browser without cookies meets it: a page, or a redirect.

`accounts.http.client` speaks JSON only and takes a redirect for a fault; here both are the
answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from accounts.http.client import get_client
from accounts.http.deadline import Deadline

_SECONDS: Final = 8.0
_HEADERS: Final = {"Accept": "text/html", "User-Agent": "django-entra-sign-in doctor"}


@dataclass(frozen=True, slots=True)
class Page:
    """What the door answered; `location` is "" where it is no redirect."""

    status: int
    location: str
    text: str


def knock(url: str) -> Page:
    """GET the page. Raises NoAnswer."""
    response = get_client().get_page(url, Deadline(_SECONDS), _HEADERS)
    text = response.body.decode(errors="replace")
    return Page(response.status, response.headers.get("Location", ""), text)
