"""Forms and cookies that somebody else has made: CSRF, allauth's other doors, floods, passwords.

The sources are the CWE list, RFC 9700, 4.7 (cross-site request forgery), OWASP ASVS 5.0, 6.3
(throttling), and what allauth would do if it were asked (STYLE, last section).
"""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from accounts.models import SignIn, User
from accounts.web import throttle
from tests.attacks.scene import (
    VICTIM,
    Attack,
    Scene,
    nobody_got_in,
    nothing_broke_or_leaked,
    people_sign_in_as_before,
    withstand,
)
from tests.attacks.sources import from_address
from tests.fixtures import StartSite
from tests.servers.redis import Redis
from tests.support.visitor import CALLBACK, LOGIN, START, Page, query_of


def starting(headers: dict[str, str], scene: Scene, *, token: bool = True) -> Page:
    """Press the button as a forged page would."""
    browser = scene.browser()
    address, fields = browser.get(LOGIN).form()
    return browser.post(address, fields if token else {}, headers=headers)


def forged(sentence: str, *, token: bool = True, **headers: str) -> Attack:
    do = partial(starting, headers, token=token)
    return Attack(sentence, do, "form_refused", "CWE-352; RFC 9700 4.7", status=403, redeemed=0)


def with_password(scene: Scene) -> Page:
    """ADMIN_PASSWORD_LOGIN is off: hiding the form would not be enough."""
    browser = scene.browser()
    _, hidden = browser.get(LOGIN).form()
    return browser.post(LOGIN, {"username": VICTIM, "password": "correct horse", **hidden})


def posting(path: str, scene: Scene) -> Page:
    browser = scene.browser()
    _, hidden = browser.get(LOGIN).form()
    return browser.post(path, {"email": VICTIM, "next": "/admin/", **hidden})


def odd_body(kind: str, body: bytes, scene: Scene) -> Page:
    browser = scene.browser()
    browser.get(LOGIN)
    return browser._ask("POST", START, data=body, headers={
        "Content-Type": kind, "Origin": scene.site.url,
    })  # fmt: skip


FORMS = [
    forged("a start without a token", token=False),
    forged("a start from another origin", Origin="https://attacker.example"),
    forged("a start from an origin that begins like ours", Origin="http://localhost.attacker.example"),
    forged("a start from no origin", Origin="null"),
    forged("a start from our host at another port", Origin="http://localhost:1"),
    Attack("a password, though there is no form", with_password, "", "settings.md", status=405),
    *(Attack(f"{path} of allauth", partial(posting, path), "", "architecture.md", status=404)
      for path in ("/accounts/login/", "/accounts/signup/", "/accounts/social/signup/",
                   "/accounts/social/connections/", "/accounts/password/reset/",
                   "/accounts/microsoft/login/token/")),
    Attack("a multipart form without parts",
           partial(odd_body, "multipart/form-data; boundary=x", b"--y--"), "form_refused",
           status=403),
    Attack("a multipart form without a boundary",
           partial(odd_body, "multipart/form-data", b"x"), status=400),
    Attack("a form in another alphabet",
           partial(odd_body, "application/x-www-form-urlencoded; charset=utf-16", b"a=b"),
           source="CWE-176", status=400),
    Attack("a form of 2000 fields",
           partial(odd_body, "application/x-www-form-urlencoded", b"a=b&" * 2000),
           source="CWE-400", status=400),
    Attack("a form of 4 MB",
           partial(odd_body, "application/x-www-form-urlencoded", b"a=" + b"b" * 4_000_000),
           source="CWE-400", status=400),
]  # fmt: skip


def with_cookies(cookie: str, scene: Scene) -> Page:
    return scene.browser(Cookie=cookie).get("/admin/")


COOKIES = [
    Attack(sentence, partial(with_cookies, cookie), "", "CWE-565", status=302)
    for sentence, cookie in (
        ("a session key of the wrong form", "sessionid=../../etc/passwd"),
        ("a session key with a wildcard", "sessionid=*"),
        ("a session key in capitals", "sessionid=" + "A" * 32),
        ("a signed session of another engine", "sessionid=eyJhIjoxfQ:1abcde:" + "x" * 43),
        ("hundreds of cookies", "; ".join(f"c{n}=v" for n in range(500))),
        ("a cookie header of no form", ";;;=;=a;sessionid"),
    )
]  # fmt: skip


@pytest.mark.parametrize("attack", [*FORMS, *COOKIES], ids=str)
def test_a_form_of_somebody_elses_comes_to_nothing(scene: Scene, attack: Attack) -> None:
    withstand(scene, attack)


PLAIN = {
    "client_id", "response_type", "response_mode", "redirect_uri", "scope", "state", "nonce",
    "code_challenge", "code_challenge_method",
}  # fmt: skip


@pytest.mark.parametrize(("name", "value"), [
    ("scope", "openid offline_access https://graph.microsoft.com/.default"),
    ("auth_params", "prompt=none&login_hint=mallory@contoso.example"),
    ("process", "connect"), ("process", "redirect"), ("action", "reauthenticate"),
    ("client_id", "44444444-4444-4444-8444-444444444444"), ("tenant", "common"),
    ("prompt", "none"), ("redirect_uri", "https://attacker.example/"),
    ("response_mode", "fragment"), ("response_type", "id_token"), ("state", "fixed"),
    ("nonce", "fixed"), ("code_challenge", "fixed"), ("login_hint", "mallory@contoso.example"),
    ("callback_url", "https://attacker.example/"), ("provider", "google"), ("again", "again"),
    ("verified_email", VICTIM), ("uid", "1"),
])  # fmt: skip
def test_a_start_takes_no_parameter_from_outside(scene: Scene, name: str, value: str) -> None:
    """CWE-235; RFC 9700 2.1: in the address and in the form alike."""
    browser = scene.browser()
    address, fields = browser.get(LOGIN).form()
    asked = query_of(browser.post(f"{address}?{name}=x", {**fields, name: value}).location)
    assert set(asked) == PLAIN
    assert (asked["scope"], asked["response_mode"]) == ("openid profile email", "query")
    assert value not in asked.values()
    nobody_got_in(scene)


# --- floods --------------------------------------------------------------------------------------


def test_a_flood_of_bad_callbacks_is_stopped_and_locks_nobody_out(scene: Scene) -> None:
    """ASVS 6.3.1: the flood meets a limit; from its own address people still sign in."""
    flooder = scene.browser()
    with ThreadPoolExecutor(8) as pool:
        pages = list(pool.map(lambda _: flooder.get(f"{CALLBACK}?state=x"), range(310)))
    stopped = [page for page in pages if page.reason == "too_many_attempts"]
    assert {page.reason for page in pages} == {"state_not_ours", "too_many_attempts"}
    assert len(stopped) == 310 - 300
    assert all(page.status == 429 and int(page.headers["Retry-After"]) > 0 for page in stopped)
    assert SignIn.objects.filter(reason="too_many_attempts").count() == 1
    nothing_broke_or_leaked(scene, stopped[0])
    people_sign_in_as_before(scene)


def test_a_flood_of_starts_is_stopped_for_its_address_only(scene: Scene) -> None:
    """ASVS 6.3.1."""
    scene.attempted(throttle.STARTS, "127.0.0.9", throttle.STARTS.item.amount)
    flooder = from_address(scene.browser(), "127.0.0.9")
    page = flooder.submit(flooder.get(LOGIN))
    assert (page.status, page.reason) == (429, "too_many_attempts")
    people_sign_in_as_before(scene)


def test_one_identity_refused_again_and_again_is_stopped_and_nobody_else(scene: Scene) -> None:
    """ASVS 6.3.1: an attacker cannot lock staff out of Microsoft sign-in."""
    reasons = [scene.sign_in("nobody").reason for _ in range(2)]
    limit = throttle.REFUSALS_OF_ONE_IDENTITY
    who = f"{SignIn.objects.latest().tid}:{SignIn.objects.latest().oid}"
    scene.attempted(limit, who, limit.item.amount)
    assert [*reasons, scene.sign_in("nobody").reason] == [
        "unknown_user", "unknown_user", "too_many_attempts",
    ]  # fmt: skip
    people_sign_in_as_before(scene)


def test_guessing_passwords_is_stopped_and_leaves_the_button_alone(
    start_site: StartSite, scene: Scene, redis_server: Redis
) -> None:
    """ASVS 6.3.1: the last of ten guesses for a name, whatever letters it is written with."""
    site = start_site(workers=1, ADMIN_PASSWORD_LOGIN="true")
    User.objects.create_user("iris@contoso.example", "correct horse")
    mine = Scene(site, scene.emulator, redis_server.client())
    guesser = mine.browser()
    _, hidden = guesser.get(LOGIN).form()
    mine.attempted(throttle.PASSWORDS_OF_ONE_NAME, "IRIS@CONTOSO.EXAMPLE", 8)
    names = ["iris@contoso.example", "ir\u0131s@contoso.example", "IRIS@contoso.example"]
    pages = [guesser.post(LOGIN, {"username": n, "password": "x", **hidden}) for n in names]
    assert [page.status for page in pages] == [200, 200, 429]
    right = {"username": names[0], "password": "correct horse", **hidden}
    assert guesser.post(LOGIN, right).reason == "too_many_attempts"
    assert not guesser.is_in()
    people_sign_in_as_before(Scene(site, scene.emulator, redis_server.client()))
