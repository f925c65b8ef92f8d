"""What browsers and people do, and what else lives on their host."""

import time
from dataclasses import replace

from accounts.signin import state
from tests.faults.fault import fault
from tests.faults.stage import Stage
from tests.support.visitor import CALLBACK, query_of


@fault(
    "The browser keeps no cookies",
    page="cookie_not_sent",
    doctor="refusals.cookie_not_sent",
    says="blocked, cleared, of another browser",
)
def cookies_cleared(stage: Stage) -> str:
    """The cookies are gone when the person comes back: an add-on, or another browser."""
    browser = stage.browser()
    return stage.sign_in(browser=browser, between=browser.http.cookies.clear)


@fault(
    "People come back on another host",
    page="cookie_not_sent",
    doctor="refusals.cookie_not_sent",
    says="origin changed from http://localhost",
)
def another_host(stage: Stage) -> str:
    """Start on localhost, callback on 127.0.0.1, which is allowed and serves the same site."""
    stage.start(ALLOWED_HOSTS="127.0.0.1")
    return stage.sign_in(way=lambda url: url.replace("//localhost", "//127.0.0.1"))


@fault(
    "Another app on the host has a session cookie of the same name",
    page="session_not_found",
    doctor="refusals.session_not_found",
    says="of another app on this host",
)
def same_cookie_name(stage: Stage) -> str:
    """A second site on another port of localhost, with a Redis of its own, is opened meanwhile."""
    stage.start(REDIS_URL=stage.redis().url)
    other = stage.browser()
    stage.start()
    browser = stage.browser()
    other.http.cookies = browser.http.cookies
    return stage.sign_in(browser=browser, between=other.press_button)


@fault(
    "The session is not the one that started the sign-in",
    page="session_changed",
    doctor="refusals.session_changed",
    says="not the one that started this sign-in",
)
def another_session(stage: Stage) -> str:
    """A link to the callback is opened in a browser that has a session of its own."""
    first, second = stage.browser(), stage.browser()
    callback = first.choose(first.press_button())
    second.press_button()
    return stage.outcome(second.come_back(callback), second)


@fault(
    "The person takes longer than ten minutes",
    page="state_expired",
    doctor="refusals.state_expired",
    says="600 s allowed",
)
def too_late(stage: Stage) -> str:
    """The state is eleven minutes old, signed with the site's own key."""
    return stage.sign_in(way=lambda url: _with_state(url, _aged(query_of(url)["state"], 660)))


def _aged(text: str, seconds: float) -> str:
    return state._sign(replace(state.read(text), at=time.time() - seconds))


def _with_state(url: str, text: str) -> str:
    return url.replace(query_of(url)["state"], text)


@fault(
    "A callback is used twice",
    page="state_already_used",
    doctor="refusals.state_already_used",
    says="used before",
)
def used_twice(stage: Stage) -> str:
    """Another browser with a copy of the cookie opens the callback again."""
    browser, copy = stage.browser(), stage.browser()
    callback = browser.choose(browser.press_button())
    copy.http.cookies.update(browser.http.cookies)
    browser.come_back(callback)
    return stage.outcome(copy.come_back(callback), copy)


@fault(
    "A state that this site never issued",
    page="state_not_ours",
    doctor="refusals.state_not_ours",
    says="never issued by this site",
)
def forged_state(stage: Stage) -> str:
    """An old bookmark, or somebody's attempt."""
    browser = stage.browser()
    return stage.outcome(browser.get(CALLBACK, params={"state": "bookmark", "code": "x"}), browser)
