"""Come back many times: shows the instance that does not know what another has begun.

Each round presses the button once and comes back once, twice or three times. On a healthy site
the first return says `cancelled` and the others `state_already_used`, wherever they arrive. The
number of returns varies, so that a load balancer that takes turns does not always pair the same
two instances.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from django.core import signing

from accounts.operate.doctor import public_start
from accounts.operate.doctor.browser import NoAnswer
from accounts.operate.doctor.finding import ok
from accounts.operate.doctor.public_login import open_again
from accounts.operate.doctor.public_verdict import verdicts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from accounts.operate.doctor.browser import Browser
    from accounts.operate.doctor.finding import Finding
    from accounts.operate.doctor.public_login import LoginPage
    from accounts.operate.doctor.public_start import Started

RETURNS: Final = 20
_SECONDS: Final = 20.0
FIRST: Final = "cancelled"
AGAIN: Final = "state_already_used"


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


def play(browser: Browser, page: LoginPage, started: Started) -> Iterator[Finding]:
    """Twenty returns, or as many as there is time for; then what they mean."""
    tally, deadline = Tally(), time.monotonic() + _SECONDS
    following: Started | None = started
    while tally.returns < RETURNS and time.monotonic() < deadline:
        if following is not None:
            _round(browser, following, tally)
        following = _start(browser, page, tally)
        if sum(tally.not_started.values()) > RETURNS:
            break
    found = list(verdicts(tally))
    yield from found
    if not found:
        yield _healthy(tally)


def _start(browser: Browser, page: LoginPage, tally: Tally) -> Started | None:
    try:
        reply = public_start.post(browser, open_again(browser, page))
    except NoAnswer as problem:
        tally.not_started[f"no answer ({problem.kind})"] += 1
        return None
    started = public_start.started_of(reply)
    if started is None:
        tally.not_started[reply.outcome] += 1
    return started


def _round(browser: Browser, started: Started, tally: Tally) -> None:
    tally.rounds += 1
    tally.settings.add(started.settings)
    tally.processes |= {issuer_of(started.state)} - {""}
    query = urlencode({"error": "access_denied", "state": started.state})
    used = False
    for _ in range(1 + tally.rounds % 3):
        outcome = _come_back(browser, f"{started.redirect_uri}?{query}")
        _count(tally, outcome, first=not used)
        used = used or outcome in (FIRST, AGAIN)


def _come_back(browser: Browser, url: str) -> str:
    try:
        last = browser.come_back(url)[-1]
    except NoAnswer as problem:
        return f"no answer ({problem.kind})"
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


def issuer_of(text: str) -> str:
    """The "instance/pid" that a state says of itself, whoever signed it; "" when unreadable."""
    try:
        payload = signing.JSONSerializer().loads(
            signing.b64_decode(text.rpartition(".")[0].encode())
        )
        return str(payload[4])
    except (ValueError, TypeError, LookupError):
        return ""


def _healthy(tally: Tally) -> Finding:
    instances = {name.partition("/")[0] for name in tally.processes}
    return ok(
        "public.rounds",
        f"{tally.returns} returns of {tally.rounds} sign-ins all found their session",
        f"{len(instances)} instances, {len(tally.processes)} processes started them.",
    )
