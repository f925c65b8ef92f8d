"""Hosts, proxies' headers and paths that the attacker writes.

The sources are WSTG-INPV-17 (host header injection), CWE-348 (less trusted source) and the
practice of reset poisoning (Kettle, "Practical HTTP Host header attacks", 2013).
"""

from functools import partial

import pytest

from accounts.models import SignIn
from tests.attacks.raw import send
from tests.attacks.scene import Attack, Scene, nobody_got_in, people_sign_in_as_before, withstand
from tests.support.visitor import CALLBACK, LOGIN, START, Page, Visitor, query_of

HOST = "WSTG-INPV-17"
EVIL = "attacker.example"


def visiting(path: str, headers: dict[str, str], scene: Scene) -> Page:
    return scene.browser().get(path, headers=headers)


def on_host(sentence: str, path: str, status: int, **headers: str) -> Attack:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Attack(sentence, partial(visiting, path, named), "", HOST, status=status)


def raw(sentence: str, lines: str, status: int) -> Attack:
    request = lines.replace("\n", "\r\n").encode() + b"\r\n\r\n"
    return Attack(sentence, lambda scene: send(scene.site.port, request), "", HOST, status=status)


def coming_back_to(host: str, scene: Scene) -> Page:
    """The way back arrives under a host that is not ours."""
    browser = scene.browser()
    return browser.get(browser.choose(browser.press_button()), headers={"Host": host})


HOSTS = [
    on_host("the login page on another host", LOGIN, 302, Host=EVIL),
    on_host("admin on another host", "/admin/", 302, Host=EVIL),
    on_host("the start page on another host", START, 302, Host=EVIL),
    on_host("the root on another host", "/", 302, Host=EVIL),
    on_host("a host with a user name", LOGIN, 302, Host=f"localhost@{EVIL}"),
    on_host("a host with markup", LOGIN, 302, Host="<script>alert(1)</script>"),
    on_host("a host of 1000 letters", LOGIN, 302, Host="a" * 1000),
    on_host("a host that begins like ours", LOGIN, 302, Host=f"localhost.{EVIL}"),
    on_host("the right host at another port", LOGIN, 302, Host="localhost:1"),
    on_host("a missing page on another host", "/nothing/", 400, Host=EVIL),
    Attack("the way back under another host", partial(coming_back_to, EVIL), "", HOST,
           status=400, redeemed=0),
    raw("no host at all", f"GET {LOGIN} HTTP/1.0", 302),
    raw("an absolute address in the request line",
        f"GET http://{EVIL}{LOGIN} HTTP/1.1\nHost: {EVIL}\nConnection: close", 302),
    raw("two hosts", f"GET {LOGIN} HTTP/1.1\nHost: localhost\nHost: {EVIL}\nConnection: close",
        400),
    raw("another host's address as the path", f"GET //{EVIL} HTTP/1.1\nHost: localhost", 404),
    raw("the settings file", "GET /static/../project/settings.py HTTP/1.1\nHost: localhost", 404),
    raw("the settings file, in another way",
        "GET /static/%2e%2e%2fproject%2fsettings.py HTTP/1.1\nHost: localhost", 404),
]  # fmt: skip

PATHS = [
    Attack(sentence, partial(visiting, path, {}), "", "architecture.md", status=404)
    for sentence, path in (
        ("the callback in capitals", CALLBACK.upper()),
        ("the callback with a path parameter", CALLBACK[:-1] + ";x=y/"),
        ("the callback with more behind it", CALLBACK + "more/"),
        ("the callback under two slashes", CALLBACK.replace("/login", "//login")),
        ("the callback of another provider", CALLBACK.replace("microsoft", "google")),
        ("Django's own login", "/accounts/login/"),
        ("allauth's list of connections", "/accounts/3rdparty/"),
        ("a debug page", "/__debug__/"),
    )
]  # fmt: skip


@pytest.mark.parametrize("attack", [*HOSTS, *PATHS], ids=str)
def test_a_host_or_path_of_the_attackers_leads_nowhere(scene: Scene, attack: Attack) -> None:
    page = withstand(scene, attack)
    assert EVIL not in page.text + page.headers.get("Location", "")
    if page.status == 302:
        assert page.headers["Location"].startswith(scene.site.url)


FORWARDED = {
    "X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https", "X-Forwarded-Host": EVIL,
    "X-Forwarded-Port": "443", "X-Real-IP": "203.0.113.7", "X-Forwarded-Ssl": "on",
    "Forwarded": f"for=203.0.113.7;host={EVIL};proto=https", "X-Client-IP": "203.0.113.7",
    "True-Client-IP": "203.0.113.7", "CF-Connecting-IP": "203.0.113.7", "X-Original-URL": "/admin/",
    "X-Rewrite-URL": "/admin/", "X-Original-Host": EVIL, "X-HTTP-Method-Override": "POST",
    "Remote-User": "staff@contoso.example", "X-MS-CLIENT-PRINCIPAL-NAME": "staff@contoso.example",
    "X-MS-CLIENT-PRINCIPAL": "eyJhdXRoX3R5cCI6ImFhZCJ9", "X-Forwarded-User": "staff",
    "X-Forwarded-Prefix": "/x", "Script-Name": "/x", "X_Forwarded_For": "203.0.113.7",
}  # fmt: skip


@pytest.mark.parametrize("name", FORWARDED)
def test_no_header_of_a_proxy_is_believed_without_a_proxy(scene: Scene, name: str) -> None:
    """CWE-348; docs/settings.md: at TRUSTED_PROXY_COUNT 0, never."""
    browser = scene.browser(**{name: FORWARDED[name]})
    start = query_of(browser.press_button())
    assert start["redirect_uri"] == f"{scene.site.url}{CALLBACK}"
    nobody_got_in(scene)
    assert browser.sign_in("nobody").reason == "unknown_user"
    assert SignIn.objects.get().client_ip == "127.0.0.1"
    people_sign_in_as_before(scene)


def test_all_of_them_together_change_nothing_either(scene: Scene) -> None:
    visitor = Visitor(scene.site.url, headers=FORWARDED)
    assert visitor.sign_in("staff").location == f"{scene.site.url}/admin/"
    assert SignIn.objects.get().client_ip == "127.0.0.1"
