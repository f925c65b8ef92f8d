"""The login page as it arrives: redirects, status, headers that proxies add, the button."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from django.conf import settings

from accounts.operate.doctor import public_trouble as trouble
from accounts.operate.doctor.browser import EASY_AUTH, Browser, Reply, origin
from accounts.operate.doctor.finding import Finding, error, ok, warning

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

PAGE: Final = "public.login_page"
_HOPS: Final = 8
_FORM: Final = re.compile(r'<form action="([^"]*/accounts/microsoft/login/[^"]*)".*?</form>', re.S)
_TOKEN: Final = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
_DEAD_BUTTON: Final = ("nothing happens when the button is pressed",)
_FORBIDDEN: Final = ("a 403 page when the button is pressed",)


@dataclass(frozen=True, slots=True, repr=False)
class LoginPage:
    """The page where it was found, and what its button posts."""

    url: str
    action: str
    token: str


def open_page(browser: Browser, url: str) -> Generator[Finding, None, LoginPage | None]:
    """Open the login page as a person would; None when there is no button to press."""
    reply = yield from _follow(browser, f"{url}/admin/login/")
    if reply is None:
        return None
    if reply.status != 200:
        yield trouble.wrong_page(reply, "The login page")
        return None
    page = _read(reply)
    if page is None:
        yield _no_button(reply)
        return None
    yield from _place(url, reply)
    yield from _headers(reply)
    yield from _csrf_cookie(browser, reply)
    return page


def open_again(browser: Browser, page: LoginPage) -> LoginPage:
    """The page with the token that goes with the cookie of now; as it was, if it does not come."""
    return _read(browser.get(page.url)) or page


def _read(reply: Reply) -> LoginPage | None:
    form = _FORM.search(reply.text)
    token = _TOKEN.search(form[0]) if form else None
    if form is None or token is None:
        return None
    return LoginPage(reply.url, urljoin(reply.url, unescape(form[1])), token[1])


def _follow(browser: Browser, url: str) -> Generator[Finding, None, Reply | None]:
    seen: list[str] = []
    while True:
        reply = browser.get(url)
        if not reply.location:
            return reply
        stop = _stop(reply, seen)
        if stop is not None:
            yield stop
            return None
        seen.append(url)
        url = reply.location


def _stop(reply: Reply, seen: list[str]) -> Finding | None:
    """A redirect that is not to be followed."""
    to = urlsplit(reply.location)
    if to.path.startswith(EASY_AUTH) or origin(reply.location) == settings.MICROSOFT_LOGIN_URL:
        return trouble.easy_auth(reply)
    if reply.location in [*seen, reply.url] or len(seen) >= _HOPS:
        return trouble.redirect_loop(reply)
    if reply.url.startswith("https:") and to.scheme == "http":
        return error(
            "public.scheme",
            "The login page sends people from https to http",
            f"{reply.url} leads to {origin(reply.location)}.",
            shows_as=("cookie_not_sent", "redirect_uri_mismatch"),
            fix="Set PUBLIC_URL to the https address; let no proxy redirect to http.",
        )
    return None


def _no_button(reply: Reply) -> Finding:
    return error(
        PAGE,
        "The page has no Microsoft button",
        f"{reply.url} answers 200, but not with this site's login page.",
        shows_as=("a page without the button",),
        fix="Mend PUBLIC_URL or the proxy's upstream; keep the content block of"
        " templates/admin/login.html.",
    )


def _place(url: str, reply: Reply) -> Iterator[Finding]:
    """People must end on PUBLIC_URL before they press the button."""
    at = origin(reply.url)
    if at == settings.PUBLIC_URL:
        way = "" if origin(url) == at else f" ({url} leads there)"
        yield ok(PAGE, f"The login page is served at {at}{way}")
        return
    yield warning(
        PAGE,
        f"The login page is served at {at}, but PUBLIC_URL here is {settings.PUBLIC_URL}",
        "The site that answers runs with other settings than this command.",
        shows_as=("cookie_not_sent", "redirect_uri_mismatch"),
        fix=f"If people use {at}, set PUBLIC_URL={at}; or give --url the address they use.",
    )


def _headers(reply: Reply) -> Iterator[Finding]:
    yield from _cached(reply)
    if "no-referrer" in reply.headers.get("Referrer-Policy", "").split(",")[-1]:
        yield error(
            "public.referrer_policy",
            "A proxy adds Referrer-Policy: no-referrer",
            "Browsers then post the button with Origin: null, which the CSRF check refuses.",
            shows_as=_FORBIDDEN,
            fix="Take that header out at the proxy: the site sends its own.",
        )
    for policy in _policies(reply):
        if not _lets_forms_go(policy):
            yield _blocked(policy)


def _cached(reply: Reply) -> Iterator[Finding]:
    """One page for everybody has one CSRF token, and no cookie to go with it."""
    verdicts = [reply.headers.get(n, "") for n in ("X-Cache", "CF-Cache-Status", "X-Proxy-Cache")]
    age = reply.headers.get("Age", "0")
    if any("hit" in verdict.lower() for verdict in verdicts) or (age.isdigit() and int(age) > 0):
        yield error(
            "public.cached",
            "A proxy or CDN keeps the login page and gives it to everybody",
            f"Age {age}, {' '.join(filter(None, verdicts)) or 'no word on the cache'}.",
            shows_as=_FORBIDDEN,
            fix="Switch caching off for /admin/ and /accounts/ at the CDN; obey no-store.",
        )


def _policies(reply: Reply) -> list[list[str]]:
    """The sources of each form-action that applies: all of them must allow the way."""
    text = ",".join(reply.headers.getlist("Content-Security-Policy"))
    directives = [part.split() for policy in text.split(",") for part in policy.split(";")]
    return [words[1:] for words in directives if words and words[0].lower() == "form-action"]


def _lets_forms_go(sources: list[str]) -> bool:
    """Chrome applies form-action to each redirect; federated tenants have hosts of their own."""
    scheme = urlsplit(settings.MICROSOFT_LOGIN_URL).scheme
    return bool({"*", f"{scheme}:"}.intersection(sources))


def _blocked(sources: list[str]) -> Finding:
    return error(
        "public.csp",
        "A Content-Security-Policy keeps the button from leading to Microsoft",
        f"form-action is {' '.join(sources)[:200]}; Chrome applies it to redirects, too.",
        shows_as=_DEAD_BUTTON,
        fix="Take form-action out of the policy that the proxy adds: Microsoft sends people of"
        " federated tenants on to hosts of their own.",
    )


def _csrf_cookie(browser: Browser, reply: Reply) -> Iterator[Finding]:
    name = settings.CSRF_COOKIE_NAME
    if settings.CSRF_USE_SESSIONS or browser.jar.named("csrf"):
        return
    why = browser.jar.refused.get(name)
    what = f"the browser refuses it: {why}" if why else "no Set-Cookie comes with the page"
    yield error(
        "public.csrf_cookie",
        "The CSRF cookie does not reach the browser",
        f"{name}: {what}.",
        shows_as=_FORBIDDEN,
        fix="Leave CSRF_COOKIE_* to project/settings.py, and PUBLIC_URL to the address people use."
        if why
        else "Let the proxy or CDN pass Set-Cookie through, and keep it from caching.",
    )
