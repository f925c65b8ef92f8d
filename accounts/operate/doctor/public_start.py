"""Press the button: does it lead to the right door, with a session cookie that can come back?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlsplit

from django.conf import settings
from django.db import DatabaseError

from accounts import registration
from accounts.operate.doctor import public_trouble as trouble
from accounts.operate.doctor.browser import EASY_AUTH, origin
from accounts.operate.doctor.finding import Finding, error, ok, warning
from accounts.reasons import Refused
from accounts.signin import state

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from accounts.operate.doctor.browser import Browser, Reply
    from accounts.operate.doctor.public_login import LoginPage

COOKIE: Final = "public.session_cookie"
REDIRECT_URI: Final = "public.redirect_uri"
_NOT_SENT: Final = ("cookie_not_sent",)


@dataclass(frozen=True, slots=True, repr=False)
class Started:
    """What the button led to; no repr, since a state is a secret while it lasts."""

    door: str
    client_id: str
    redirect_uri: str
    state: str

    @property
    def settings(self) -> tuple[str, str, str]:
        """What must be the same whichever instance answers."""
        return self.door, self.client_id, self.redirect_uri


def press(browser: Browser, page: LoginPage) -> Generator[Finding, None, Started | None]:
    """Press once and look at everything; None when there is nothing to come back with."""
    reply = post(browser, page)
    started = started_of(reply)
    if started is None:
        yield _not_started(reply, page)
        return None
    yield from _door(started)
    yield from _redirect_uri(started, page)
    yield from _same_key(started)
    yield from _cookie(browser, started)
    same_host = urlsplit(started.redirect_uri).hostname == urlsplit(page.url).hostname
    return started if same_host else None


def post(browser: Browser, page: LoginPage) -> Reply:
    """The button's POST."""
    return browser.post(page.action, {"csrfmiddlewaretoken": page.token})


def started_of(reply: Reply) -> Started | None:
    """What a start's redirect says, or None when it is none."""
    parts = urlsplit(reply.location)
    query = dict(parse_qsl(parts.query))
    names = ("client_id", "redirect_uri", "state")
    if not all(query.get(name) for name in names):
        return None
    door = f"{origin(reply.location)}{parts.path}"
    return Started(door, *(query[name] for name in names))


def _not_started(reply: Reply, page: LoginPage) -> Finding:
    if urlsplit(reply.location).path.startswith(EASY_AUTH):
        return trouble.easy_auth(reply)
    if reply.location:
        to = reply.location.partition("?")[0]
        return trouble.hidden_origin(f"The button leads back to {to} instead of to Microsoft.")
    if reply.status == 403 and not reply.reason:
        return _forbidden(page)
    return trouble.wrong_page(reply, "The button")


def _forbidden(page: LoginPage) -> Finding:
    return error(
        "public.csrf",
        "The button is refused by the CSRF check",
        f"It was posted from {origin(page.url)}, with the cookies that a browser would send.",
        shows_as=("a 403 page when the button is pressed",),
        fix="Set PUBLIC_URL to the address people use, let the proxy pass on Host, and set"
        " TRUSTED_PROXY_COUNT; let nothing strip cookies or Origin.",
    )


def _door(started: Started) -> Iterator[Finding]:
    if origin(started.door) == settings.MICROSOFT_LOGIN_URL:
        yield ok("public.start", f"The button leads to {started.door}")
    else:
        yield warning(
            "public.start",
            f"The button leads to {origin(started.door)}",
            f"MICROSOFT_LOGIN_URL here is {settings.MICROSOFT_LOGIN_URL}: the site that answers"
            " runs with other settings.",
            fix="Give all instances the same environment, and run doctor with it.",
        )
    client_id = _client_id_in_force()
    if client_id and client_id != started.client_id:
        yield warning(
            "public.client_id",
            f"The site uses the app {started.client_id}, in force here is {client_id}",
            "Instances with other settings, or this command runs with another environment.",
            shows_as=("client_unknown", "redirect_uri_mismatch"),
            fix="Give all instances and slots the same MICROSOFT_CLIENT_ID and database.",
        )


def _client_id_in_force() -> str:
    """ "" when it cannot be known: the database is away, or there is none or several."""
    try:
        return registration.read_afresh().client_id
    except (Refused, DatabaseError):
        return ""


def _redirect_uri(started: Started, page: LoginPage) -> Iterator[Finding]:
    wanted = f"{origin(page.url)}{registration.CALLBACK_PATH}"
    if started.redirect_uri == wanted:
        yield ok(REDIRECT_URI, f"Microsoft is told to send people back to {wanted}")
        return
    yield error(
        REDIRECT_URI,
        f"Microsoft is told to send people back to {started.redirect_uri}",
        f"They come from {origin(page.url)}; the cookie set there does not go elsewhere.",
        shows_as=("redirect_uri_mismatch", "cookie_not_sent"),
        fix=f"Set PUBLIC_URL={origin(page.url)} on every instance and restart.",
    )


def _same_key(started: Started) -> Iterator[Finding]:
    """Only a hint: doctor may run beside the site with a key of its own."""
    try:
        state.read(started.state)
    except Refused:
        yield warning(
            "public.secret_key",
            "The site signs with another SECRET_KEY than this command",
            "An instance or slot with a key of its own cannot read the others' states.",
            shows_as=("state_not_ours",),
            fix="Give all instances and slots the same SECRET_KEY, and run doctor with it.",
        )


def _cookie(browser: Browser, started: Started) -> Iterator[Finding]:
    cookies = browser.jar.named("session")
    if not cookies:
        yield _no_cookie(browser)
        return
    back = [c for c in cookies if c.goes_to(started.redirect_uri, cross_site=True)]
    if not back:
        yield _stays_behind(cookies[0].name, started, strict=cookies[0].same_site == "strict")
        return
    yield ok(COOKIE, f"The session cookie {back[0].name} comes back from Microsoft")


def _no_cookie(browser: Browser) -> Finding:
    refused = {name: why for name, why in browser.jar.refused.items() if "session" in name}
    name, why = next(iter(refused.items()), (settings.SESSION_COOKIE_NAME, ""))
    return error(
        COOKIE,
        "The session cookie does not reach the browser",
        f"{name}: the browser refuses it: {why}." if why else "The button's answer sets none.",
        shows_as=_NOT_SENT,
        fix="Leave SESSION_COOKIE_* to project/settings.py and set PUBLIC_URL to the address that"
        " people use."
        if why
        else "Let the proxy or CDN pass Set-Cookie through, and keep it from caching.",
    )


def _stays_behind(name: str, started: Started, *, strict: bool) -> Finding:
    why = "it is SameSite=Strict" if strict else "its Path, Domain or Secure does not fit"
    return error(
        COOKIE,
        f"The session cookie {name} does not come back from Microsoft",
        f"A browser does not send it to {started.redirect_uri}: {why}.",
        shows_as=_NOT_SENT,
        fix="Leave SESSION_COOKIE_* to project/settings.py; let no proxy rewrite Set-Cookie"
        " (nginx: proxy_cookie_path, proxy_cookie_flags).",
    )
