"""Ways back from Microsoft that are odd on purpose: methods, repeated and endless parameters.

The sources are RFC 6749 and RFC 9207 (authorization response), and the CWE list.
"""

from functools import partial

import pytest

from tests.attacks.raw import send
from tests.attacks.scene import Attack, Scene, withstand
from tests.support.visitor import CALLBACK, Page

REPEATED = "RFC 6749 3.1"


def by_method(method: str, scene: Scene) -> Page:
    """A good way back, with another method."""
    browser = scene.browser()
    there = browser.choose(browser.press_button())
    scene.emulator.reset_counters()
    return browser._ask(method, there)


def repeating(scene: Scene, name: str, value: str) -> Page:
    """A good way back on which a parameter comes once more."""
    scene.emulator.redirect_with(add=[(name, value), (name, value)])
    return scene.sign_in()


def repeated(name: str, value: str = "x") -> Attack:
    sentence, do = f"{name} comes twice", partial(repeating, name=name, value=value)
    return Attack(sentence, do, "state_not_ours", REPEATED, detail="query: ", redeemed=0)


def with_iss(iss: str, scene: Scene) -> Page:
    scene.emulator.redirect_with(iss=iss)
    return scene.sign_in()


def mixed_up(sentence: str, iss: str) -> Attack:
    do = partial(with_iss, iss)
    return Attack(sentence, do, "token_invalid", "RFC 9207 2.4", detail="iss ", redeemed=0)


def answered(parameters: dict[str, str], scene: Scene) -> Page:
    """Parameters are added to a good way back, code included."""
    scene.emulator.redirect_with(set=parameters)
    return scene.sign_in()


def answer(sentence: str, reason: str, source: str, **parameters: str) -> Attack:
    return Attack(sentence, partial(answered, parameters), reason, source, redeemed=0)


def asking(query: str, scene: Scene) -> Page:
    return scene.browser().get(f"{CALLBACK}{query}")


def nonsense(sentence: str, query: str, source: str, reason: str = "state_not_ours") -> Attack:
    return Attack(sentence, partial(asking, query), reason, source, redeemed=0)


METHODS = [
    Attack(f"a good way back by {method}", partial(by_method, method), "", "architecture.md",
           status=405, redeemed=0)
    for method in ("POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "SIGNIN")
]  # fmt: skip

ANSWERS = [
    repeated("state"), repeated("code"), repeated("error"), repeated("iss"),
    repeated("error_description"), repeated("session_state"), repeated("unheard_of"),
    mixed_up("mix-up: iss of another server", "wrong"),
    mixed_up("mix-up: iss of another tenant",
             "http://localhost/22222222-2222-4222-8222-222222222222/v2.0"),
    mixed_up("mix-up: an empty iss", ""),
    answer("an error beside a good code", "cancelled", "RFC 6749 4.1.2.1", error="access_denied"),
    answer("an error beside a good code, with markup", "microsoft_refused", "CWE-79",
           error="<script>alert(1)</script>", error_description="<img src=x onerror=alert(1)>"),
    answer("an error text that forges a log line", "cancelled", "CWE-117", error="access_denied",
           error_description='x\r\n{"level": "critical", "message": "Traceback forged"}'),
    answer("an error text that forges a number", "cancelled", "CWE-79", error="access_denied",
           error_description="AADSTS99<script>, AADSTS1, AADSTS00000000000000"),
    answer("an error text of 6000 letters", "cancelled", "CWE-400", error="access_denied",
           error_description="AADSTS" * 1000),
    answer("neither code nor error", "microsoft_refused", "RFC 6749 4.1.2", code=""),
    nonsense("nothing at all", "", CALLBACK),
    nonsense("an error without state", "?error=access_denied", "RFC 6749 4.1.2.1"),
    nonsense("a code without state", "?code=1.abc", "RFC 6749 10.12"),
    nonsense("bytes that are no UTF-8", "?state=%ff%fe&code=%c3%28", "CWE-176"),
    nonsense("UTF-8 of too many bytes", "?state=%c0%ae%c0%ae%2f&code=x", "CWE-176"),
    nonsense("percent signs that mean nothing", "?state=%&code=%zz&%", "CWE-20"),
    nonsense("null bytes", "?state=%00&code=%00", "CWE-158"),
    nonsense("line breaks", "?state=a%0d%0aSet-Cookie:%20sessionid=x&code=b", "CWE-113"),
    nonsense("brackets, as for PHP", "?state[]=a&code[]=b&state[$ne]=x", "CWE-20"),
    nonsense("semicolons between parameters", "?state=a;state=b;code=c", "CWE-235"),
    nonsense("a template's words", "?state={{7*7}}&code=${jndi:ldap://x}", "CWE-94"),
    nonsense("a state of 7000 letters", f"?state={'a' * 7000}&code=b", "CWE-400"),
    nonsense("a thousand names", "?" + "&".join(f"a{n}" for n in range(990)), "CWE-400"),
]  # fmt: skip


def raw_request(request: bytes, scene: Scene) -> Page:
    scene.browser()
    return send(scene.site.port, request)


def raw(sentence: str, source: str, request: bytes, status: int = 400) -> Attack:
    return Attack(sentence, partial(raw_request, request), "", source, status=status)


HTTP = [
    raw("a request line of 9000 letters", "CWE-400",
        b"GET /accounts/microsoft/login/callback/?state=%s HTTP/1.1\r\nHost: localhost\r\n\r\n"
        % (b"a" * 9000), status=414),
    raw("two lengths of one body", "CWE-444",
        b"POST /admin/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n"
        b"Content-Length: 5\r\n\r\nhello"),
    raw("length and chunks", "CWE-444",
        b"POST /admin/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    raw("a header line that is folded", "CWE-444",
        b"GET /admin/login/ HTTP/1.1\r\nHost: localhost\r\nX-A: b\r\n\tc\r\n\r\n"),
    raw("a null byte in a header", "CWE-158",
        b"GET /admin/login/ HTTP/1.1\r\nHost: localhost\r\nUser-Agent: a\0b\r\n\r\n"),
]  # fmt: skip

TABLE = [*METHODS, *ANSWERS, *HTTP]


@pytest.mark.parametrize("attack", TABLE, ids=str)
def test_an_odd_way_back_comes_to_nothing(scene: Scene, attack: Attack) -> None:
    page = withstand(scene, attack)
    for sent in ("<script>", "onerror", "attacker.example", "AADSTS99", "AADSTS1", "jndi"):
        assert sent not in page.text
    assert "forged" not in page.text
