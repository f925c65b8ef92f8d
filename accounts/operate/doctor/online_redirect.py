"""Is the redirect URI registered? A silent authorize request tells, without anybody signing in.

With `prompt=none` and no cookies, Entra sends a registered URI back with `login_required`; for
one that it does not know it shows a page of its own with AADSTS50011. The request is the site's
own, parameter for parameter, so whatever else Entra dislikes in it comes out as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.conf import settings

from accounts.entra.errors import reason_for, refusal_of
from accounts.ids import AADSTS
from accounts.operate.doctor import door
from accounts.operate.doctor.finding import Finding, ok, refused, warning
from accounts.reasons import Refused
from accounts.signin import state
from accounts.web.provider import authorize_parameters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from accounts.entra.metadata import Discovery
    from accounts.operate.doctor.door import Page
    from accounts.registration import Registration

REDIRECT_URI: Final = "online.redirect_uri"
AUTHORIZE: Final = "online.authorize"
# Nobody is signed in: these say that all is well so far.
_SILENT: Final = ("login_required", "interaction_required", "account_selection_required")


def look(found: Registration, discovery: Discovery) -> Iterator[Finding]:
    """Knock at the door with the site's own request."""
    try:
        page = door.knock(_url(found, discovery))
    except Refused as refusal:
        yield refused(REDIRECT_URI, "The authorize endpoint does not answer", refusal)
        return
    yield from _judge(found, page)


def _url(found: Registration, discovery: Discovery) -> str:
    secret = state.new_browser_secret()
    issued, text = state.issue(secret, state.ServedBy(settings.PUBLIC_URL, "doctor"), "")
    parameters = authorize_parameters(found, secret, issued, text)
    joint = "&" if "?" in discovery.authorization_endpoint else "?"
    query = urlencode(parameters | {"prompt": "none"})
    return f"{discovery.authorization_endpoint}{joint}{query}"


def _judge(found: Registration, page: Page) -> Iterator[Finding]:
    uri = found.redirect_uri
    if page.location.partition("?")[0] == uri:
        yield ok(REDIRECT_URI, f"The redirect URI is registered: {uri}")
        yield from _sent_back(dict(parse_qsl(urlsplit(page.location).query)))
        return
    numbers = [int(number) for number in dict.fromkeys(AADSTS.findall(page.text))]
    if numbers:
        yield _stopped(uri, numbers)
    elif page.status >= 400:
        yield _unclear(uri, page.status)
    else:
        yield ok(REDIRECT_URI, f"Microsoft does not refuse the redirect URI {uri}")


def _sent_back(fields: dict[str, str]) -> Iterator[Finding]:
    if fields.get("error") not in _SILENT and "code" not in fields:
        title = "Microsoft does not accept the site's authorize request"
        yield refused(AUTHORIZE, title, refusal_of(fields))


def _stopped(uri: str, numbers: list[int]) -> Finding:
    """Entra's own page: people would be stuck there and never come back."""
    code, number = reason_for(numbers, "")
    refusal = Refused(code, aadsts=number)
    if code == "redirect_uri_mismatch":
        return refused(REDIRECT_URI, f"The redirect URI is not registered: {uri}", refusal)
    return refused(AUTHORIZE, "Microsoft stops sign-ins on a page of its own", refusal)


def _unclear(uri: str, status: int) -> Finding:
    return warning(
        REDIRECT_URI,
        f"Microsoft answered {status} without saying why",
        f"Whether {uri} is registered could not be seen.",
        fix="Run doctor again; if it stays, press the button yourself and read Microsoft's page.",
        shows_as=("redirect_uri_mismatch",),
    )
