"""A superuser's browser in admin, which takes note of everything the console complains of."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from playwright.sync_api import ConsoleMessage, Page

from accounts.models import User
from tests.servers.site import Site
from tests.support.admins import browser_of


@contextmanager
def watched(page: Page) -> Iterator[Page]:
    """At the end, neither script nor policy may have been complained of."""
    complaints: list[str] = []
    page.on("console", lambda message: complaints.extend(_complaint(message)))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    assert complaints == [], complaints


def enter(page: Page, site: Site, user: User) -> None:
    """The browser is signed in, without the way through Microsoft."""
    session = browser_of(user).cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": site.url}]
    )


def _complaint(message: ConsoleMessage) -> list[str]:
    """Browsers ask for an icon by themselves; there is none."""
    is_icon = message.location.get("url", "").endswith("/favicon.ico")
    return [message.text] if message.type == "error" and not is_icon else []
