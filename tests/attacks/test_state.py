"""States that are forged, stale, replayed or another browser's.

The sources are RFC 6749, 10.12 (cross-site request forgery), RFC 9700 (security best current
practice), and CAPEC for session fixation.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from urllib.parse import urlencode

import pytest
from django.core import signing

from accounts.signin import state
from tests.attacks.scene import Attack, Scene, house, people_sign_in_as_before, withstand
from tests.support.visitor import CALLBACK, Page, Visitor, query_of

CSRF = "RFC 6749 10.12"
Change = Callable[[str], str]


def callback(**query: str) -> str:
    return f"{CALLBACK}?{urlencode(query)}"


def with_state(change: Change, scene: Scene) -> Page:
    """A sign-in whose state is changed on its way back; the code is good."""
    browser = scene.browser()
    query = query_of(browser.choose(browser.press_button()))
    return browser.get(callback(code=query["code"], state=change(query["state"])))


def altered(sentence: str, change: Change, detail: str = "", source: str = CSRF) -> Attack:
    do = partial(with_state, change)
    return Attack(sentence, do, "state_not_ours", source, detail=detail, redeemed=0)


def stale(sentence: str, seconds: float, reason: str, detail: str) -> Attack:
    do = partial(with_state, partial(reissued, seconds))
    return Attack(sentence, do, reason, "reasons.md", detail=detail, redeemed=0)


def reissued(seconds: float, text: str) -> str:
    """The same state as the site would have issued it so many seconds ago."""
    return state._sign(replace(state.read(text), at=time.time() - seconds))


def signed_elsewhere(text: str) -> str:
    payload = _signer().unsign_object(text)
    return _signer("another-key-" * 5).sign_object(payload)


def of_another_form(text: str) -> str:
    return _signer().sign_object({"state": text})


def of_another_purpose(text: str) -> str:
    """Signed by the site, with its key, for its Try again button."""
    return signing.Signer(sep=".", salt="accounts.web.refusal").sign_object(["again"])


def with_next_changed(text: str) -> str:
    payload, _, signature = text.rpartition(".")
    items = signing.JSONSerializer().loads(signing.b64_decode(payload.encode()))
    changed = signing.JSONSerializer().dumps([*items[:-1], "//attacker.example/"])
    return f"{signing.b64_encode(changed).decode()}.{signature}"


def last_letter_changed(text: str) -> str:
    return text[:-1] + ("A" if text[-1] != "A" else "Q")


def _signer(key: str | None = None) -> signing.Signer:
    return signing.Signer(key=key, sep=".", salt="accounts.signin.state")


FORGED = [
    altered("no text in the state", lambda _: "", "state: missing"),
    altered("a word for a state", lambda _: "state", "state: never issued"),
    altered("a dot for a state", lambda _: ".", "state: never issued"),
    altered("one letter of the signature changed", last_letter_changed, "state: our form"),
    altered("where to go next changed", with_next_changed, "state: our form", "RFC 9700 4.11"),
    altered("the signature cut off", lambda text: text.rpartition(".")[0]),
    altered("the state twice, end to end", lambda text: text + text),
    altered("signed with another SECRET_KEY", signed_elsewhere, "state: our form", "reasons.md"),
    altered("signed by us, in another form", of_another_form, "state: signed by us"),
    altered("signed by us, for another purpose", of_another_purpose),
    altered("a null byte at its end", lambda text: f"{text}\0"),
    altered("a line break in it", lambda text: f"{text}\r\nSet-Cookie: a=b", source="CWE-113"),
    altered("letters that are not ASCII", lambda text: f"{text}\xe9"),
    altered("three thousand letters", lambda _: "A" * 3000, "state: missing, too long"),
    altered("a bomb of compressed JSON", lambda _: _signer("x" * 50).sign_object(
        ["0" * 1_000_000], compress=True), source="CWE-409"),
    stale("issued eleven minutes ago", 660, "state_expired", "state: 660 s old"),
    stale("issued just too long ago", 601, "state_expired", "state: 601 s old"),
    stale("issued in the future", -120, "state_expired", "state: issued 120 s in the future"),
]  # fmt: skip


# --- another browser's ---------------------------------------------------------------------------


def attackers_callback(scene: Scene) -> str:
    """The attacker has signed in at Microsoft as themselves, and kept the way back."""
    attacker = scene.browser()
    return attacker.choose(attacker.press_button(), "impostor")


def in_a_fresh_browser(scene: Scene) -> Page:
    return scene.browser().get(attackers_callback(scene))


def in_a_browser_that_signs_in_itself(scene: Scene) -> Page:
    victim = scene.browser()
    victim.press_button()
    return victim.get(attackers_callback(scene))


def in_a_browser_whose_session_is_gone(scene: Scene) -> Page:
    there = attackers_callback(scene)
    return scene.browser(Cookie="sessionid=" + "a" * 32).get(there)


def in_a_browser_with_an_odd_cookie(scene: Scene) -> Page:
    there = attackers_callback(scene)
    return scene.browser(Cookie="sessionid=*; sessionid=../session:x").get(there)


def with_cookies_evicted(scene: Scene) -> Page:
    browser = scene.browser()
    there = browser.choose(browser.press_button())
    scene.redis.flushdb()
    return browser.get(there)


def phished(scene: Scene) -> Page:
    """The attacker sends their own authorize address: the victim comes back with a good code."""
    victim = scene.browser()
    return victim.get(victim.choose(scene.browser().press_button(), "staff"))


def replayed_by_a_thief(scene: Scene) -> Page:
    """Address and cookie of a sign-in that went well, from another browser."""
    victim = scene.visitor()
    there = victim.choose(victim.press_button(), "nobody")
    thief = scene.browser(Cookie=f"sessionid={victim.session_cookie()}")
    assert victim.come_back(there).reason == "unknown_user"
    scene.emulator.reset_counters()
    return thief.get(there)


def used_by_an_error(scene: Scene) -> Page:
    """An error uses a state up, so nobody can try codes on one state."""
    browser = scene.browser()
    query = query_of(browser.choose(browser.press_button()))
    browser.get(callback(error="access_denied", state=query["state"]))
    return browser.get(callback(code=query["code"], state=query["state"]))


OTHERS = [
    Attack("login CSRF: the attacker's way back in a fresh browser", in_a_fresh_browser,
           "cookie_not_sent", CSRF, redeemed=0),
    Attack("login CSRF in a browser that is signing in itself", in_a_browser_that_signs_in_itself,
           "session_changed", CSRF, redeemed=0),
    Attack("login CSRF in a browser with an old cookie", in_a_browser_whose_session_is_gone,
           "session_not_found", CSRF, redeemed=0),
    Attack("login CSRF in a browser with cookies of no form", in_a_browser_with_an_odd_cookie,
           "session_not_found", CSRF, redeemed=0),
    Attack("the session is gone from the store", with_cookies_evicted, "session_not_found",
           "reasons.md", redeemed=0),
    Attack("phishing with the attacker's authorize address", phished, "cookie_not_sent",
           "RFC 9700 4.5.3", redeemed=0),
    Attack("a thief replays address and cookie", replayed_by_a_thief, "state_already_used",
           "RFC 9700 4.2.4", redeemed=0),
    Attack("a second try after an error", used_by_an_error, "state_already_used",
           "RFC 9700 4.7.1", redeemed=0),
]  # fmt: skip


@pytest.mark.parametrize("attack", [*FORGED, *OTHERS], ids=str)
def test_nobody_ends_what_another_browser_began(scene: Scene, attack: Attack) -> None:
    withstand(scene, attack)


# --- people who are in, or get in, while somebody attacks ----------------------------------------


def test_login_csrf_does_not_turn_who_is_in_into_someone_else(scene: Scene) -> None:
    """RFC 6749 10.12."""
    there, victim = attackers_callback(scene), scene.let_in("staff")
    before = house(scene)
    assert victim.get(there).reason == "session_changed"
    assert house(scene) == before
    assert "staff@contoso.example" in victim.get("/admin/").text


def test_a_cookie_planted_before_sign_in_is_worth_nothing_after_it(scene: Scene) -> None:
    """CAPEC-61, session fixation: the victim signs in with a cookie that the attacker knows."""
    attacker = scene.browser()
    attacker.press_button()
    victim = planted_with(scene, attacker.session_cookie())
    there = victim.choose(victim.press_button())
    assert victim.session_cookie() == attacker.session_cookie()
    assert victim.come_back(there).status == 302
    assert victim.is_in()
    assert not attacker.is_in()
    people_sign_in_as_before(scene)


def test_what_was_begun_in_a_planted_session_ends_in_nobody_elses_sign_in(scene: Scene) -> None:
    """CAPEC-61: the attacker planted the session of before the sign-in, and began one in it."""
    attacker = scene.browser()
    there = attacker.choose(attacker.press_button(), "editor")
    victim = planted_with(scene, attacker.session_cookie())
    assert victim.sign_in("staff").status == 302
    before = house(scene)
    assert victim.get(there).reason == "session_changed"
    assert house(scene) == before
    assert "staff@contoso.example" in victim.get("/admin/").text


def test_a_session_key_of_the_attackers_choice_is_not_taken_on(scene: Scene) -> None:
    """CAPEC-61."""
    chosen = "attackerschoice0" * 2
    victim = planted_with(scene, chosen)
    victim.press_button()
    assert victim.session_cookie() != chosen
    assert not list(scene.redis.scan_iter(f"*{chosen}*"))


def planted_with(scene: Scene, cookie: str) -> Visitor:
    victim = scene.visitor()
    victim.http.cookies.set("sessionid", cookie, domain="localhost.local")
    return victim
