"""`--url`: signs in through the public address as a browser would, up to Microsoft's door.

    login page, by whatever redirects there are      public_login
    press the button, look at where it leads         public_start
    come back with the state, many times, each time
    over a new connection                            public_rounds

Coming back says `error=access_denied`, as when a person presses Cancel: nobody is signed in. Each
return is a row of the sign-in record, with the user agent "doctor".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from accounts.operate.doctor import public_login, public_rounds, public_start
from accounts.operate.doctor import public_trouble as trouble
from accounts.operate.doctor.browser import Browser, NoAnswer, origin
from accounts.operate.doctor.finding import Finding, error, ok

if TYPE_CHECKING:
    from collections.abc import Iterator


def look(url: str, ca_file: str = "") -> Iterator[Finding]:
    """Visit the site; whatever stops the visit is a finding."""
    browser = Browser(ca_file)
    try:
        yield from _visit(browser, url.rstrip("/"))
    except NoAnswer as problem:
        yield trouble.no_answer(problem)


def _visit(browser: Browser, url: str) -> Iterator[Finding]:
    page = yield from public_login.open_page(browser, url)
    if page is None:
        return
    yield from _health(browser, origin(page.url))
    started = yield from public_start.press(browser, page)
    if started is None:
        return
    yield from public_rounds.play(browser, page, started)


def _health(browser: Browser, url: str) -> Iterator[Finding]:
    """The two addresses that load balancers ask."""
    alive, ready = browser.get(f"{url}/healthz"), browser.get(f"{url}/readyz")
    if alive.status != 200:
        yield trouble.wrong_page(alive, "The health page /healthz")
    if ready.status == 200:
        yield ok("public.ready", "/healthz and /readyz say that the site serves")
    elif ready.status == 503:
        yield _not_ready(ready.text)
    else:
        yield trouble.wrong_page(ready, "The health page /readyz")


def _not_ready(text: str) -> Finding:
    """/readyz names what is away; it holds no secret."""
    states = _states(text)
    away = [name for name in ("database", "session_store") if states.get(name) != "ok"]
    return error(
        "public.ready",
        f"/readyz says that the site is not ready: {', '.join(away)}",
        "; ".join(f"{name} {states.get(name, 'unknown')}" for name in away),
        shows_as=tuple(f"{name}_unavailable" for name in away),
        fix="Run ./manage.py doctor on the instance itself: it says what is wrong with it.",
    )


def _states(text: str) -> dict[str, str]:
    try:
        states = json.loads(text)
    except ValueError:
        return {}
    return {str(k): str(v)[:60] for k, v in states.items()} if isinstance(states, dict) else {}
