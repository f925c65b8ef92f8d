"""Codes that are stolen, guessed, swapped between sign-ins, or made without protection.

The sources are RFC 9700, 4.5 (code injection) and 4.8 (PKCE downgrade), RFC 7636 (PKCE), and OWASP
ASVS 5.0, V10.1 and V10.2.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from urllib.parse import urlencode

import pytest

from accounts.models import SignIn
from tests.attacks.scene import Attack, Scene, nothing_broke_or_leaked, withstand
from tests.support.visitor import CALLBACK, Page, Visitor, query_of


def callback(**query: str) -> str:
    return f"{CALLBACK}?{urlencode(query)}"


def injected(scene: Scene) -> Page:
    """Code injection: the victim's stolen code with the attacker's own state and browser."""
    stolen = query_of(_way_back(scene, "staff")[1])["code"]
    attacker, there = _way_back(scene, "impostor")
    return attacker.get(callback(code=stolen, state=query_of(there)["state"]))


def planted(scene: Scene) -> Page:
    """The attacker's code with the victim's state, in the victim's browser."""
    code = query_of(_way_back(scene, "impostor")[1])["code"]
    victim, there = _way_back(scene, "staff")
    return victim.get(callback(code=code, state=query_of(there)["state"]))


def swapped_between_tabs(scene: Scene) -> Page:
    """Two sign-ins in one browser, with each other's code."""
    browser = scene.browser()
    one, two = (query_of(browser.choose(browser.press_button())) for _ in range(2))
    return browser.get(callback(code=one["code"], state=two["state"]))


def unprotected(scene: Scene, nonce: str | None) -> Page:
    """A code made without a challenge, as where PKCE was stripped: only the nonce is left."""
    browser, there = _way_back(scene, "staff")
    code = scene.emulator.code(f"{scene.site.url}{CALLBACK}", challenge=None, nonce=nonce)
    return browser.get(callback(code=code, state=query_of(there)["state"]))


def stripped(scene: Scene, *names: str) -> Page:
    """PKCE downgrade: the parameters do not arrive at Microsoft."""
    browser = scene.browser()
    address, _, query = browser.press_button().partition("?")
    kept = {name: value for name, value in query_of(f"?{query}").items() if name not in names}
    return browser.get(browser.choose(f"{address}?{urlencode(kept)}"))


def guessed(code: str, scene: Scene) -> Page:
    browser, there = _way_back(scene, "staff")
    return browser.get(callback(code=code, state=query_of(there)["state"]))


def _way_back(scene: Scene, person: str) -> tuple[Visitor, str]:
    browser = scene.browser()
    return browser, browser.choose(browser.press_button(), person)


CODES = [
    Attack("code injection: a stolen code with the attacker's state", injected, "session_changed",
           "RFC 9700 4.5", redeemed=1),
    Attack("the attacker's code with the victim's state", planted, "session_changed",
           "RFC 9700 4.5", redeemed=1),
    Attack("codes of two tabs swapped", swapped_between_tabs, "session_changed", "RFC 7636 4.6",
           redeemed=1),
    Attack("a code without challenge, with another nonce", partial(unprotected, nonce="x" * 43),
           "token_invalid", "RFC 9700 4.5.3.2", detail="nonce: ", redeemed=1),
    Attack("a code without challenge and nonce", partial(unprotected, nonce=None),
           "token_invalid", "RFC 9700 4.5.3.2", detail="nonce: ", redeemed=1),
    Attack("the challenge is stripped on the way to Microsoft",
           lambda scene: stripped(scene, "code_challenge", "code_challenge_method"),
           "microsoft_refused", "RFC 9700 4.8.2", redeemed=0),
    Attack("only the method is stripped: plain instead of S256",
           lambda scene: stripped(scene, "code_challenge_method"), "microsoft_refused",
           "RFC 7636 7.2", redeemed=0),
    Attack("the nonce is stripped on the way to Microsoft",
           lambda scene: stripped(scene, "nonce"), "token_invalid", "ASVS 10.1.2",
           detail="nonce: "),
    Attack("a code that Microsoft never gave", partial(guessed, "1.guess"), "microsoft_refused",
           "RFC 6749 10.10", redeemed=1),
    Attack("a code with a line break in it", partial(guessed, "a\r\nX: y"), "microsoft_refused",
           "CWE-93", redeemed=1),
    Attack("a code that would add a field to our request", partial(guessed, "a&client_id=b"),
           "microsoft_refused", "CWE-74", redeemed=1),
]  # fmt: skip


@pytest.mark.parametrize("attack", CODES, ids=str)
def test_a_code_is_worth_nothing_outside_its_sign_in(scene: Scene, attack: Attack) -> None:
    withstand(scene, attack)


def test_one_callback_sent_eight_times_at_once_redeems_one_code(scene: Scene) -> None:
    """RFC 9700 4.2.4: single use, also under concurrency."""
    browser = scene.visitor()
    there, cookie = browser.choose(browser.press_button()), browser.session_cookie()
    scene.emulator.reset_counters()
    eight = [Visitor(scene.site.url, headers={"Cookie": f"sessionid={cookie}"}) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        pages = list(pool.map(lambda one: one.get(there), eight))
    assert scene.redeemed() == 1
    assert SignIn.objects.filter(outcome="admitted").count() == 1
    assert sum(page.status == 302 for page in pages) == 1
    nothing_broke_or_leaked(scene, pages[0])
