"""The visit, told as plain data: what was opened, pressed, and how it came back.

    open the login page, by whatever redirects there are
    ask the two addresses that load balancers ask
    press the button, look at where it leads
    come back with the state, many times, each time over a new connection

Coming back says `error=access_denied`, as when a person presses Cancel: nobody is signed in; it is
as long as Entra's real answers, and proves to the site that it is doctor's, so that no row is
written. Each round presses once and comes back once, twice or three times. On a healthy site the
first return says `cancelled` and the others `state_already_used`, wherever they arrive. The number
of returns varies, so that a load balancer that takes turns does not always pair the same two.
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

_MOST_REDIRECTS: Final = 8
_FORM: Final = re.compile(r'<form action="([^"]*/accounts/microsoft/login/[^"]*)".*?</form>', re.S)
_TOKEN: Final = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
MADE_UP: Final = "203.0.113.77"  # RFC 5737: nobody's address
SLOW_SECONDS: Final = 11  # a sign-in may wait ten for Microsoft
# As long as Entra's: a code of about 1,700 characters, and the session's GUID.
_LONG: Final = {
    "code": "1.AQ" + "aZ09_-xY" * 220,
    "session_state": "00000000-0000-4000-8000-000000000000",
}
LENGTH: Final = 2500
RETURNS: Final = 20
_SECONDS: Final = 20.0
FIRST: Final = "cancelled"
AGAIN: Final = "state_already_used"


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
    """What came back, by outcome; `twice` counts states that were accepted a second time."""

    wrong: Counter[str] = field(default_factory=Counter)
    returns: int = 0
    rounds: int = 0
    twice: int = 0
    at_once_used: int = 0
    processes: set[str] = field(default_factory=set)
    settings: set[tuple[str, str, str]] = field(default_factory=set)
    not_started: Counter[str] = field(default_factory=Counter)
    details: dict[str, str] = field(default_factory=dict)  # of the first of each outcome
    client: str = ""  # the address that the site saw, where it told us
    short: str = ""  # what became of a short return, where long ones did not arrive
    slow: tuple[str, float] | None = None  # what became of an answer that took long, and how long


@dataclass(slots=True, repr=False)
class Visit:
    """How far it came: what is None was not reached."""

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
    """Go as far as the site lets us; never raises for what the site does."""
    browser = Browser(ca_file)
    seen = Visit(url, browser.cookies)
    try:
        _play(browser, seen, slow=slow)
    except NoAnswer as problem:
        seen.no_answer, seen.asked = problem, browser.at
    return seen


def _play(browser: Browser, seen: Visit, *, slow: bool) -> None:
    _open(browser, seen)
    seen.page = _read(seen.opened[-1])
    if seen.page is None:
        return
    site = origin(seen.page.url)
    if not is_a_host():  # whose health pages are its own
        seen.alive, seen.ready = browser.get(f"{site}/healthz"), browser.get(f"{site}/readyz")
    seen.pressed = _press(browser, seen.page)
    seen.started = started_of(seen.pressed)
    if seen.started and urlsplit(seen.started.redirect_uri).netloc == urlsplit(site).netloc:
        seen.tally = Tally()
        _come_back_often(browser, seen.page, seen.started, seen.tally)
        _come_back_otherwise(browser, seen.page, seen.tally, slow=slow)


def _open(browser: Browser, seen: Visit) -> None:
    """As a person would, as far as redirects are to be followed."""
    url = f"{seen.url}{staff_urls.login_page()}"
    while url:
        seen.opened.append(browser.get(url))
        url = "" if stops_at(seen.opened) else seen.opened[-1].location


def stops_at(opened: list[Reply]) -> str:
    """Why the last redirect is not to be followed: loop, easy_auth, scheme; "" if it is."""
    last = opened[-1]
    if not last.location:
        return ""
    to = urlsplit(last.location)
    if to.path.startswith(EASY_AUTH) or origin(last.location) == conf.MICROSOFT_LOGIN_URL:
        return "easy_auth"
    if last.location in [reply.url for reply in opened] or len(opened) > _MOST_REDIRECTS:
        return "loop"
    if last.url.startswith("https:") and to.scheme == "http":
        return "scheme"
    return ""


def _read(reply: Reply) -> LoginPage | None:
    form = _FORM.search(reply.text) if reply.status == 200 else None
    token = _TOKEN.search(form[0]) if form else None
    if form is None or token is None:
        return None
    return LoginPage(reply.url, urljoin(reply.url, unescape(form[1])), token[1])


def _press(browser: Browser, page: LoginPage) -> Reply:
    return browser.post(page.action, {"csrfmiddlewaretoken": page.token})


def started_of(reply: Reply) -> Started | None:
    """What a start's redirect says, or None when it is none."""
    parts = urlsplit(reply.location)
    query = dict(parse_qsl(parts.query))
    names = ("client_id", "redirect_uri", "state")
    if not all(query.get(name) for name in names):
        return None
    authorize_url = f"{origin(reply.location)}{parts.path}"
    return Started(authorize_url, *(query[name] for name in names))


def _come_back_often(browser: Browser, page: LoginPage, started: Started, tally: Tally) -> None:
    """Twenty returns, or as many as there is time for."""
    deadline = time.monotonic() + _SECONDS
    following: Started | None = started
    while tally.returns < RETURNS and time.monotonic() < deadline:
        if following is not None:
            _round(browser, following, tally)
        following = _start_again(browser, page, tally)
        if sum(tally.not_started.values()) > RETURNS:
            break


def _start_again(browser: Browser, page: LoginPage, tally: Tally) -> Started | None:
    """With the token that goes with the cookie of now; the old one, if the page does not come."""
    try:
        reply = _press(browser, _read(browser.get(page.url)) or page)
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
    used = False
    for _ in range(1 + tally.rounds % 3):
        outcome = _come_back(browser, started, tally, _LONG)
        _count(tally, outcome, first=not used)
        used = used or outcome in (FIRST, AGAIN)


def _come_back_otherwise(browser: Browser, page: LoginPage, tally: Tally, *, slow: bool) -> None:
    """A short return where long ones did not arrive; and one that is answered slowly."""
    foreign = any(outcome not in REASONS for outcome in tally.wrong)
    started = _start_again(browser, page, tally) if foreign or slow else None
    if started is None:
        return
    if foreign:
        tally.short = _come_back(browser, started, tally, {})
        return
    browser.seconds, began = SLOW_SECONDS + 10.0, time.monotonic()
    outcome = _come_back(browser, started, tally, {}, {doctor_visits.WAIT: str(SLOW_SECONDS)})
    tally.slow = outcome, time.monotonic() - began


def _come_back(
    browser: Browser,
    started: Started,
    tally: Tally,
    more: Mapping[str, str],
    headers: Mapping[str, str] | None = None,
) -> str:
    query = urlencode({"error": "access_denied", **more, "state": started.state})
    url, added = f"{started.redirect_uri}?{query}", {"X-Forwarded-For": MADE_UP, **(headers or {})}
    try:
        last = browser.come_back(url, added)
    except NoAnswer as problem:
        return _of_no_answer(problem)
    tally.client = last.header(doctor_visits.CLIENT) or tally.client
    tally.details.setdefault(last.outcome, last.detail)
    return f"sent to {last.location.partition('?')[0]}" if last.location else last.outcome


def _count(tally: Tally, outcome: str, *, first: bool) -> None:
    tally.returns += 1
    if outcome == (FIRST if first else AGAIN):
        return
    if outcome == AGAIN:
        tally.at_once_used += 1
    elif outcome == FIRST:
        tally.twice += 1
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
