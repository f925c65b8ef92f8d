"""A person at the authorize page, over plain HTTP: look at it, press a button, come away."""

import http.client
import ssl
from urllib.parse import urlencode, urlsplit

SECONDS = 40


class Stopped(AssertionError):
    """The page did not send the person back to the site."""


Trust = ssl.SSLContext | None
Reply = tuple[int, str, str]


def sign_in_as(
    authorize_url: str, person: str = "staff", *, quick: bool = False, trust: Trust = None
) -> str:
    """The callback's address, with code and state. `quick` skips looking at the page first."""
    return _press(authorize_url, "person", person, quick, trust)


def meet(authorize_url: str, error: str, *, quick: bool = False, trust: Trust = None) -> str:
    """Press one of the errors of scenarios.py instead."""
    return _press(authorize_url, "error", error, quick, trust)


def silently(authorize_url: str, *, trust: Trust = None) -> str:
    """Press nothing: for prompt=none and for errors that come back at once."""
    return _location(_ask(authorize_url, "GET", {}, trust))


def _press(url: str, name: str, key: str, quick: bool, trust: Trust) -> str:
    if quick:
        return _location(_ask(url, "GET", {f"X-Emulator-{name.title()}": key}, trust))
    status, location, page = _ask(url, "GET", {}, trust)
    if location:
        return location
    if f'name="{name}" value="{key}"' not in page:
        raise Stopped(f"HTTP {status} without a button for {name} {key}: {_text(page)}")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    return _location(_ask(url, "POST", form, trust, urlencode({name: key})))


def _ask(
    url: str, method: str, headers: dict[str, str], trust: Trust, body: str | None = None
) -> Reply:
    parts = urlsplit(url)
    connection = (
        http.client.HTTPSConnection(parts.netloc, timeout=SECONDS, context=trust)
        if parts.scheme == "https"
        else http.client.HTTPConnection(parts.netloc, timeout=SECONDS)
    )
    try:
        connection.request(method, f"{parts.path}?{parts.query}", body, headers)
        response = connection.getresponse()
        page = response.read().decode("utf-8", "replace")
        return response.status, response.headers.get("Location", ""), page
    finally:
        connection.close()


def _location(answer: Reply) -> str:
    status, location, page = answer
    if not location:
        raise Stopped(f"HTTP {status} and no way back: {_text(page)}")
    return location


def _text(page: str) -> str:
    return page[page.find("<main>") :][:600]
