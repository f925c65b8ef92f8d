"""Metadata and keys that lie: other hosts, other keys, too much, too slow; and keys that change.

The sources are OpenID Connect Discovery, 4.3, OWASP ASVS 5.0, 10.5.3 (a malicious server that
impersonates another through its metadata), RFC 8725, RFC 7517, and the OpenID Foundation's tests.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from tests.attacks.scene import Attack, Scene, people_sign_in_as_before, withstand
from tests.fixtures import StartSite
from tests.servers.redis import Redis
from tests.support.visitor import LOGIN, Page, Visitor

UNREACHABLE = "microsoft_unreachable"
IMPERSONATED = "ASVS 10.5.3"
EVIL = "https://attacker.example"
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint")


def starting(endpoint: str, how: dict[str, Any], scene: Scene) -> Page:
    """Press the button while Microsoft tells lies."""
    scene.emulator.answer(endpoint, **how)
    browser = scene.browser()
    return browser.submit(browser.get(LOGIN))


def two_of_one_name(scene: Scene) -> dict[str, Any]:
    known = scene.emulator.world.keys
    return {"keys": [known.current.jwk, {**known.stranger.jwk, "kid": known.current.kid}]}


def document(sentence: str, reason: str, source: str, **how: Any) -> Attack:
    return Attack(sentence, partial(starting, "discovery", how), reason, source, redeemed=0)


def keys(sentence: str, source: str, reason: str = UNREACHABLE, **how: Any) -> Attack:
    return Attack(sentence, partial(starting, "jwks", how), reason, source, redeemed=0)


def lying(sentence: str, **fields: Any) -> Attack:
    return document(sentence, "misconfigured", IMPERSONATED, merge=fields)


DOCUMENTS = [
    *(lying(f"{name} on another host", **{name: f"{EVIL}/x"}) for name in ENDPOINTS),
    *(lying(f"{name} on another port", **{name: "http://localhost:1/x"}) for name in ENDPOINTS),
    lying("the token endpoint on a host that begins like ours",
          token_endpoint="http://localhost.attacker.example/token"),
    lying("the token endpoint behind a user name",
          token_endpoint="http://localhost@attacker.example/token"),
    lying("the token endpoint with a backslash",
          token_endpoint="http://attacker.example\\@localhost/token"),
    lying("the token endpoint by another scheme", token_endpoint="file:///etc/passwd"),
    lying("the keys at a cloud's own address", jwks_uri="http://169.254.169.254/metadata"),
    lying("the issuer on another host", issuer=f"{EVIL}/v2.0"),
    lying("an issuer that is a list", issuer=[EVIL]),
    lying("an endpoint of null", token_endpoint=None),
    document("no issuer", "misconfigured", "OpenID Connect Discovery 3", omit=["issuer"]),
    document("no keys' address", "misconfigured", "OpenID Connect Discovery 3", omit=["jwks_uri"]),
    document("a page of HTML", UNREACHABLE, "OpenID Connect Discovery 4.2", raw="<html></html>"),
    document("a document of 2 MB", UNREACHABLE, "CWE-400", pad=2_000_000),
    document("a redirect to another host", UNREACHABLE, IMPERSONATED, redirect_to=f"{EVIL}/"),
    document("a tenant that does not exist", "tenant_not_found", "docs/reasons.md", status=400,
             body={"error": "invalid_tenant", "error_codes": [90002]}),
    document("500", UNREACHABLE, "OpenID Connect Discovery 4.2", status=500),
]  # fmt: skip

WEAK = {"kty": "RSA", "use": "sig", "kid": "weak", "e": "AQAB", "n": "q" * 86}
SYMMETRIC = {"kty": "oct", "use": "sig", "kid": "oct", "k": "c2VjcmV0"}

KEYS = [
    keys("keys: 404", "OpenID Connect Discovery 3", reason="microsoft_refused", status=404,
         body={"error": "x"}),
    keys("keys: none", "RFC 7517 5", reason="misconfigured",
         body={"keys": []}),
    keys("keys: null", "RFC 7517 5", reason="misconfigured", body={"keys": None}),
    keys("keys: a word", "RFC 7517 5", raw="keys"),
    keys("keys: a page of HTML", "RFC 7517 5", raw="<html></html>"),
    keys("keys: of 2 MB", "CWE-400", pad=2_000_000),
    keys("keys: only one of 512 bits", "RFC 7518 3.3", reason="misconfigured",
         body={"keys": [WEAK]}),
    keys("keys: only a shared secret", "RFC 8725 3.5", reason="misconfigured",
         body={"keys": [SYMMETRIC]}),
    Attack("keys: a stranger's beside Microsoft's, of one name",
           lambda scene: starting("jwks", {"body": two_of_one_name(scene)}, scene),
           "misconfigured",
           "RFC 7517 4.5", redeemed=0),
    keys("keys: a redirect to another host", "RFC 8725 3.10", redirect_to=f"{EVIL}/keys"),
    keys("keys: 500", "OpenID Connect Discovery 3", status=500),
]  # fmt: skip


@pytest.mark.parametrize("attack", [*DOCUMENTS, *KEYS], ids=str)
def test_metadata_that_lies_starts_no_sign_in(cold_scene: Scene, attack: Attack) -> None:
    """The site stays cold from one case to the next, since none of them succeeds."""
    page = withstand(cold_scene, attack)
    assert "attacker.example" not in page.text + page.headers.get("Location", "")


# --- slowness ------------------------------------------------------------------------------------


def test_whoever_drips_hangs_or_dawdles_holds_nobody_for_long(
    lone_scene: Scene, cold_scene: Scene
) -> None:
    """CWE-400: each ends within the budget of ten seconds, and meanwhile pages are served."""
    there = [_way_back(lone_scene) for _ in range(4)]
    for how in ({"drip": [1, 0.5]}, {"drip": [1, 0.5], "drip_head": True}, {"hang": True}):
        lone_scene.emulator.answer_token(**how, times=1)
    lone_scene.emulator.answer_token(delay=30)
    lone_scene.emulator.answer_jwks(drip=[1, 0.5])
    with ThreadPoolExecutor(5) as pool:
        slow = [pool.submit(_timed, partial(browser.come_back, back)) for browser, back in there]
        slow.append(pool.submit(_timed, partial(_press, cold_scene)))
        time.sleep(1)
        assert _timed(lambda: Visitor(lone_scene.site.url).get(LOGIN))[1] < 3
        answers = [each.result() for each in slow]
    assert {page.reason for page, _ in answers} == {UNREACHABLE}
    assert max(seconds for _, seconds in answers) < 13
    people_sign_in_as_before(lone_scene)


def _way_back(scene: Scene) -> tuple[Visitor, str]:
    browser = scene.browser()
    return browser, browser.choose(browser.press_button())


def _press(scene: Scene) -> Page:
    return starting("logout", {}, scene)


def _timed(work: Callable[[], Page]) -> tuple[Page, float]:
    began = time.monotonic()
    return work(), time.monotonic() - began


# --- a site that has been lied to, and keys that change ------------------------------------------


def test_once_microsoft_tells_the_truth_the_same_site_signs_people_in(cold_scene: Scene) -> None:
    cold_scene.calm_site = cold_scene.site
    people_sign_in_as_before(cold_scene)


def test_a_new_key_is_taken_at_once_and_one_that_was_withdrawn_is_not(cold_scene: Scene) -> None:
    """oidcc-client-test-signing-key-rotation-just-before-signing."""
    browser = cold_scene.browser()
    there = browser.choose(browser.press_button())
    cold_scene.emulator.rotate_keys(keep_old=False)
    assert browser.come_back(there).location == f"{cold_scene.site.url}/admin/"
    withdrawn = Attack("a withdrawn key", _with_the_old_key, "token_invalid",
                       "RFC 8725 3.10", detail="kid: ")  # fmt: skip
    withstand(Scene(cold_scene.site, cold_scene.emulator, cold_scene.redis), withdrawn)


def _with_the_old_key(scene: Scene) -> Page:
    scene.emulator.tamper(signing="old_key")
    return scene.sign_in()


def test_a_custom_signing_key_of_the_app_lets_people_in(
    start_site: StartSite, scene: Scene
) -> None:
    """Claims mapping: the key is listed in the app's own metadata only."""
    with Redis() as own:
        site = start_site(workers=1, REDIS_URL=own.url)
        browser = Visitor(site.url)
        there = browser.choose(browser.press_button(), "editor")
        scene.emulator.make_custom_key()
        assert browser.come_back(there).location == f"{site.url}/admin/"
    scene.emulator.reset()
