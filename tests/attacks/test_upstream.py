"""A Microsoft that answers wrongly, endlessly or not at all, when the site redeems a code.

The sources are RFC 6749, 5, RFC 9700, 4.12 (307 redirects), and the CWE list.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tests.attacks.scene import Attack, Scene, withstand
from tests.emulator.server import Emulator
from tests.support.visitor import Page

UNREACHABLE = "microsoft_unreachable"


def token_answer(how: dict[str, Any], scene: Scene) -> Page:
    scene.emulator.answer_token(**how)
    return scene.sign_in()


def told(sentence: str, reason: str, source: str, detail: str = "", **how: Any) -> Attack:
    return Attack(sentence, partial(token_answer, how), reason, source, detail=detail, redeemed=1)


def broken(sentence: str, detail: str = "", source: str = "RFC 6749 5.1", **how: Any) -> Attack:
    return told(sentence, UNREACHABLE, source, detail, **how)


def down(scene: Scene) -> Page:
    """Microsoft goes away between the button and the way back."""
    browser = scene.browser()
    there = browser.choose(browser.press_button())
    scene.emulator.down("refuse")
    return browser.come_back(there)


ANSWERS = [
    broken("500", "HTTP 500", status=500),
    broken("502 with a page of HTML", "HTTP 502", status=502, raw="<h1>Bad gateway</h1>",
           headers={"Content-Type": "text/html"}),
    broken("200 with a page of HTML", "HTTP 200 with a body", raw="<html>id_token</html>"),
    broken("200 with a list", "HTTP 200 with a body", body=[{"id_token": "e30.e30.e30"}]),
    broken("200 with an empty body", "HTTP 200 with a body", raw=""),
    broken("200 with JSON as deep as a well", "HTTP 200 with a body", raw="[" * 200_000),
    broken("200 with two id_tokens of one name", "HTTP 200 with a body",
           raw='{"id_token": "a", "id_token": "b"}'),
    broken("204", "HTTP 204", status=204),
    broken("a body of 2 MB", "HTTP 200 with more", "CWE-400", pad=2_000_000),
    broken("a body that breaks off", "the connection", cut=100),
    broken("a body packed by gzip, which nobody asked for", "HTTP 200 in an encoding", "CWE-409",
           headers={"Content-Encoding": "gzip"}),
    broken("headers of 200 kB", "", "CWE-400", headers={f"X-{n}": "a" * 2000 for n in range(100)}),
    broken("an answer that is no HTTP", "", wire="hello\r\n\r\n"),
    told("a length below zero", "token_invalid", "CWE-444", "id_token: missing",
         wire="HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}"),
    broken("a length that is a lie, and chunks", "", "CWE-444",
           wire="HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
    broken("the connection is closed", "the connection", close=True),
    told("429", "microsoft_throttled", "RFC 6585 4", status=429, headers={"Retry-After": "7"}),
    told("429 until the end of the world", "microsoft_throttled", "CWE-400", status=429,
         headers={"Retry-After": "9" * 30}),
    told("no id_token", "token_invalid", "OpenID Connect Core 3.1.3.3", "id_token: missing",
         omit=["id_token"]),
    told("an empty id_token", "token_invalid", "OpenID Connect Core 3.1.3.3", "id_token: missing",
         merge={"id_token": ""}),
    told("an id_token of null", "token_invalid", "OpenID Connect Core 3.1.3.3",
         "id_token: missing", merge={"id_token": None}),
    told("an error with markup", "microsoft_refused", "CWE-79", status=400,
         body={"error": "<script>alert(1)</script>", "error_description": "<script>alert(1)"}),
    told("an error of odd types", "microsoft_refused", "CWE-843", status=400,
         body={"error": ["x"], "error_description": {"a": 1}, "error_codes": [{}, 1e99, "x", True],
               "trace_id": 1, "timestamp": None}),
    told("an error that forges a log line", "microsoft_refused", "CWE-117", status=400,
         body={"error": "invalid_grant", "error_description": "x\n{\"level\": \"critical\"}",
               "trace_id": "\r\nforged"}),
    Attack("refused connections", down, UNREACHABLE, "docs/reasons.md", detail="no connection"),
]  # fmt: skip


@pytest.mark.parametrize("attack", ANSWERS, ids=str)
def test_a_wrong_answer_lets_nobody_in(lone_scene: Scene, attack: Attack) -> None:
    page = withstand(lone_scene, attack)
    assert "<script>" not in page.text
    assert "forged" not in page.text + lone_scene.log()
    if page.status == 429:
        assert 1 <= int(page.headers["Retry-After"]) <= 3600


# --- redirects -----------------------------------------------------------------------------------


@pytest.fixture
def thief() -> Iterator[Emulator]:
    """A server of the attacker's, which nobody should ever ask anything."""
    with Emulator() as server:
        yield server


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_secret_follows_no_redirect(lone_scene: Scene, thief: Emulator, status: int) -> None:
    """RFC 9700 4.12: 307 and 308 would send the form on, with code and secret."""
    withstand(lone_scene, broken(
        "a redirect", f"HTTP {status}, not followed", status=status,
        redirect_to=f"{thief.url}/steal",
    ))  # fmt: skip
    assert thief.connections == 0


# --- what the site sends -------------------------------------------------------------------------


def test_the_secret_is_in_the_body_of_one_request_and_nowhere_else(lone_scene: Scene) -> None:
    """RFC 6749 2.3.1; RFC 9700 4.3.1: no secret, code or token in any address or header."""
    lone_scene.let_in()
    asked = lone_scene.emulator.requests
    [redeemed] = [seen for seen in asked if seen.endpoint == "token"]
    assert set(redeemed.fields) == {
        "grant_type", "client_id", "client_secret", "code", "redirect_uri", "code_verifier",
        "scope",
    }  # fmt: skip
    secret = redeemed.fields["client_secret"]
    for seen in asked:
        assert secret not in f"{seen.path} {seen.query} {seen.headers}"
        assert "authorization" not in seen.headers
        assert "cookie" not in seen.headers
