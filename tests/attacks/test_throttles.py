"""Attackers on one network: what they cost Microsoft, and what they cost everybody else.

OWASP ASVS 5.0, 6.3.1; CWE-307, CWE-400, CWE-770.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from accounts.http.client import SLOTS
from accounts.web import throttle
from tests.attacks.scene import Scene, people_sign_in_as_before
from tests.attacks.sources import from_address
from tests.fixtures import StartSite
from tests.support.visitor import Page, Visitor, query_of

ATTACKER = "127.0.0.9"
LIMIT = throttle.FAILED_REDEMPTIONS
HOME = "/admin/"


def with_code(scene: Scene, code: str) -> partial[Page]:
    """A valid state of the attacker's own, and a code that they made up."""
    browser = from_address(scene.browser(), ATTACKER)
    state = query_of(browser.press_button())["state"]
    return partial(browser.get, f"/accounts/microsoft/login/callback/?code={code}&state={state}")


def test_made_up_codes_reach_microsoft_as_often_as_the_limit_says(scene: Scene) -> None:
    """Twelve at once, by two workers, of which three may."""
    scene.attempted(LIMIT, ATTACKER, LIMIT.item.amount - 3)
    guesses = [with_code(scene, f"guess-{number}") for number in range(12)]
    scene.emulator.reset_counters()
    with ThreadPoolExecutor(12) as pool:
        reasons = [page.reason for page in pool.map(lambda guess: guess(), guesses)]
    assert scene.redeemed() == 3
    assert sorted(reasons) == ["microsoft_refused"] * 3 + ["too_many_attempts"] * 9
    people_sign_in_as_before(scene)


@pytest.mark.parametrize("number", [700005, 501471, 7000222])
def test_whatever_microsoft_says_of_a_code_counts(scene: Scene, number: int) -> None:
    scene.attempted(LIMIT, ATTACKER, LIMIT.item.amount - 1)
    scene.emulator.answer_token(
        status=400, body={"error": "invalid_grant", "error_codes": [number]}
    )
    guesses = [with_code(scene, "guess") for _ in range(3)]
    reasons = [guess().reason for guess in guesses]
    assert reasons[1:] == ["too_many_attempts"] * 2
    people_sign_in_as_before(scene)


def test_fourteen_attackers_on_one_address_leave_slots_for_the_others(
    start_site: StartSite, scene: Scene
) -> None:
    """Microsoft hangs for each of them, and one worker has all of its slots to give."""
    site = start_site(workers=1)
    mine = Scene(site, scene.emulator, scene.redis)
    guesses = [with_code(mine, f"slow-{number}") for number in range(14)]
    real = Visitor(site.url)
    there = real.choose(real.press_button(), "editor")
    scene.emulator.answer_token(hang=True, times=SLOTS // 2)
    with ThreadPoolExecutor(14) as pool:
        attackers = [pool.submit(guess) for guess in guesses]
        while scene.redeemed() < SLOTS // 2:
            assert not all(one.done() for one in attackers)
        assert real.come_back(there).location == f"{site.url}{HOME}"
        assert sum(not one.done() for one in attackers) >= SLOTS // 2
        scene.emulator.hang_up()
        assert {one.result().reason for one in attackers} <= {
            "microsoft_unreachable", "microsoft_refused",
        }  # fmt: skip
