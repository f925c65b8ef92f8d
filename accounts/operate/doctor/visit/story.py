"""The visit, recorded as plain data.

    open the login page, following redirects
    get the two health pages
    press the button, and see where it leads
    return with the state, many times, each time over a new connection

A return has `error=access_denied`, as when a person presses Cancel, so nobody is signed in. It is
as long as Entra's real ones, and proves to the site that it is doctor's, so that no row is written.
Each round presses once and returns once, twice or three times. On a healthy site the first return
ends with `cancelled` and the others with `state_already_used`, whichever process they reach. The
number varies, so that a round-robin load balancer does not always pair the same two processes.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from typing import Final
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from django.core import signing

from .... import staff_urls
from ....conf import conf, is_a_host
from ....http.causes import NoAnswer
from ....reasons import REASONS
from ....web import doctor_visits
from ..causes import code_of
from .browser import EASY_AUTH, Browser, Reply, origin
from .cookies import CookieJar

_MAX_REDIRECTS: Final = 8
_FORM: Final = re.compile(r'<form action="([^"]*/accounts/microsoft/login/[^"]*)".*?</form>', re.S)
_TOKEN: Final = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
FORGED_ADDRESS: Final = "203.0.113.77"  # for documentation (RFC 5737)
SLOW_SECONDS: Final = 11  # a sign-in may wait ten for Microsoft
# As in Entra's answers: a code of about 1,700 characters, and the session's GUID.
_LIKE_ENTRA: Final = {
    "code": "1.AQ" + "aZ09_-xY" * 220,
    "session_state": "00000000-0000-4000-8000-000000000000",
}
LENGTH: Final = 2500
_RETURNS: Final = 20
_SECONDS: Final = 20.0
_ACCEPTED: Final = "cancelled"
_USED: Final = "state_already_used"


@dataclass(frozen=True, slots=True, repr=False)
class LoginPage:
    """The page where it was found, and what its button posts."""

    url: str
    action: str
    token: str


@dataclass(frozen=True, slots=True, repr=False)
class Started:
    """What the button led to; no repr, since a state is a secret while it lasts."""

    authorize_url: str
    client_id: str
    redirect_uri: str
    state: str

    @property
    def settings(self) -> tuple[str, str, str]:
        """What must be the same whichever instance answers."""
        return self.authorize_url, self.client_id, self.redirect_uri


@dataclass(slots=True)
class Tally:
    """The outcomes of all returns, and of the presses between them."""

    wrong: Counter[str] = field(default_factory=Counter)  # returns by unexpected outcome
    returns: int = 0
    rounds: int = 0
    accepted_twice: int = 0  # states
    used_at_first: int = 0  # states
    processes: set[str] = field(default_factory=set)
    settings: set[tuple[str, str, str]] = field(default_factory=set)
    not_started: Counter[str] = field(default_factory=Counter)  # presses by outcome
    details: dict[str, str] = field(default_factory=dict)  # of the first of each outcome
    client: str = ""  # the visitor's address, as the site says it saw it
    short: str = ""  # the outcome of a short return, after long ones did not arrive
    slow: tuple[str, float] | None = None  # the outcome of a slow return, and the seconds it took


@dataclass(slots=True, repr=False)
class Visit:
    """How far the visit came: what is None was not reached."""

    url: str
    cookies: CookieJar
    opened: list[Reply] = field(default_factory=list)
    page: LoginPage | None = None
    alive: Reply | None = None
    ready: Reply | None = None
    pressed: Reply | None = None
    started: Started | None = None
    tally: Tally | None = None
    no_answer: NoAnswer | None = None
    asked: str = ""  # the address that gave no answer


def visit(url: str, ca_file: str = "", *, slow: bool = False) -> Visit:
    """Goes as far as the site lets it; never raises for what the site does."""
    browser = Browser(ca_file)
    record = Visit(url, browser.cookies)
    try:
        _sign_in(browser, record, slow=slow)
    except NoAnswer as problem:
        record.no_answer, record.asked = problem, browser.at
    return record


def _sign_in(browser: Browser, record: Visit, *, slow: bool) -> None:
    _open(browser, record)
    record.page = _login_page(record.opened[-1])
    if record.page is None:
        return
    site = origin(record.page.url)
    if not is_a_host():  # a host has health pages of its own
        record.alive, record.ready = browser.get(f"{site}/healthz"), browser.get(f"{site}/readyz")
    record.pressed = _press(browser, record.page)
    record.started = started_of(record.pressed)
    if record.started and urlsplit(record.started.redirect_uri).netloc == urlsplit(site).netloc:
        record.tally = Tally()
        _return_often(browser, record.page, record.started, record.tally)
        _return_short_or_slow(browser, record.page, record.tally, slow=slow)


def _open(browser: Browser, record: Visit) -> None:
    """Follows redirects as long as `stops_at` allows."""
    url = f"{record.url}{staff_urls.login_page()}"
    while url:
        record.opened.append(browser.get(url))
        url = "" if stops_at(record.opened) else record.opened[-1].location


def stops_at(opened: list[Reply]) -> str:
    """Why the last redirect is not followed: loop, easy_auth, scheme; "" if it is."""
    last = opened[-1]
    if not last.location:
        return ""
    to = urlsplit(last.location)
    if to.path.startswith(EASY_AUTH) or origin(last.location) == conf.MICROSOFT_LOGIN_URL:
        return "easy_auth"
    if last.location in [reply.url for reply in opened] or len(opened) > _MAX_REDIRECTS:
        return "loop"
    if last.url.startswith("https:") and to.scheme == "http":
        return "scheme"
    return ""


def _login_page(reply: Reply) -> LoginPage | None:
    form = _FORM.search(reply.text) if reply.status == 200 else None
    token = _TOKEN.search(form[0]) if form else None
    if form is None or token is None:
        return None
    return LoginPage(reply.url, urljoin(reply.url, unescape(form[1])), token[1])


def _press(browser: Browser, page: LoginPage) -> Reply:
    return browser.post(page.action, {"csrfmiddlewaretoken": page.token})


def started_of(reply: Reply) -> Started | None:
    """What the button's redirect says; None when it does not lead to an authorize endpoint."""
    parts = urlsplit(reply.location)
    query = dict(parse_qsl(parts.query))
    names = ("client_id", "redirect_uri", "state")
    if not all(query.get(name) for name in names):
        return None
    authorize_url = f"{origin(reply.location)}{parts.path}"
    return Started(authorize_url, *(query[name] for name in names))


def _return_often(browser: Browser, page: LoginPage, started: Started, tally: Tally) -> None:
    """Twenty returns, or as many as there is time for."""
    deadline = time.monotonic() + _SECONDS
    following: Started | None = started
    while tally.returns < _RETURNS and time.monotonic() < deadline:
        if following is not None:
            _round(browser, following, tally)
        following = _start_again(browser, page, tally)
        if sum(tally.not_started.values()) > _RETURNS:
            break


def _start_again(browser: Browser, page: LoginPage, tally: Tally) -> Started | None:
    """Presses with a new CSRF token; with the old one if the page cannot be read."""
    try:
        reply = _press(browser, _login_page(browser.get(page.url)) or page)
    except NoAnswer as problem:
        tally.not_started[_of_no_answer(problem)] += 1
        return None
    started = started_of(reply)
    if started is None:
        tally.not_started[reply.outcome] += 1
        tally.details.setdefault(reply.outcome, reply.detail)
    return started


def _round(browser: Browser, started: Started, tally: Tally) -> None:
    tally.rounds += 1
    tally.settings.add(started.settings)
    tally.processes |= {issuer_of(started.state)} - {""}
    is_used = False
    for _ in range(1 + tally.rounds % 3):
        outcome = _return(browser, started, tally, _LIKE_ENTRA)
        _count(tally, outcome, is_used=is_used)
        is_used = is_used or outcome in (_ACCEPTED, _USED)


def _return_short_or_slow(browser: Browser, page: LoginPage, tally: Tally, *, slow: bool) -> None:
    """A short return if long ones did not arrive; else, if asked for, one with a slow answer."""
    are_lost = any(outcome not in REASONS for outcome in tally.wrong)
    started = _start_again(browser, page, tally) if are_lost or slow else None
    if started is None:
        return
    if are_lost:
        tally.short = _return(browser, started, tally, {})
        return
    browser.seconds, began = SLOW_SECONDS + 10.0, time.monotonic()
    outcome = _return(browser, started, tally, {}, {doctor_visits.WAIT: str(SLOW_SECONDS)})
    tally.slow = outcome, time.monotonic() - began


def _return(
    browser: Browser,
    started: Started,
    tally: Tally,
    more: Mapping[str, str],
    headers: Mapping[str, str] | None = None,
) -> str:
    """The outcome: a reason code, or what another page or no answer says of itself."""
    query = urlencode({"error": "access_denied", **more, "state": started.state})
    forged = {"X-Forwarded-For": FORGED_ADDRESS, **(headers or {})}
    try:
        last = browser.return_to(f"{started.redirect_uri}?{query}", forged)
    except NoAnswer as problem:
        return _of_no_answer(problem)
    tally.client = last.header(doctor_visits.CLIENT) or tally.client
    tally.details.setdefault(last.outcome, last.detail)
    return f"sent to {last.location.partition('?')[0]}" if last.location else last.outcome


def _count(tally: Tally, outcome: str, *, is_used: bool) -> None:
    tally.returns += 1
    if outcome == _ACCEPTED:
        tally.accepted_twice += is_used
    elif outcome == _USED:
        tally.used_at_first += not is_used
    else:
        tally.wrong[outcome] += 1


def _of_no_answer(problem: NoAnswer) -> str:
    return f"no answer ({code_of(problem) or problem.detail})"


def issuer_of(text: str) -> str:
    """The "instance/pid" that a state says of itself, whoever signed it; "" when unreadable."""
    try:
        payload = signing.JSONSerializer().loads(
            signing.b64_decode(text.rpartition(".")[0].encode())
        )
        return str(payload[4])
    except (ValueError, TypeError, LookupError):
        return ""
