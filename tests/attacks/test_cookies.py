"""Cookies that a neighbour plants: a sibling host, or another port of this one.

The sources are RFC 6265, 8.6 (weak integrity), CAPEC-61 (session fixation) and
"Cookies Lack Integrity" (USENIX Security 2015).
"""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from playwright.sync_api import Page, expect
from typing_extensions import override

from accounts.models import SignIn
from tests.attacks.scene import Scene, house, people_sign_in_as_before
from tests.support.visitor import Visitor

SPACES = ("\u2000", "\u00a0", "\u0085", "\u3000", "\u2028")


def with_cookies(scene: Scene, *pairs: str) -> Visitor:
    """A browser that sends these cookies, as bytes of UTF-8, and no others."""
    return scene.visitor(Cookie="; ".join(pairs).encode().decode("latin-1"))


def session_of(scene: Scene, person: str) -> str:
    return f"sessionid={scene.let_in(person).session_cookie()}"


@pytest.mark.parametrize("space", SPACES, ids=lambda space: f"U+{ord(space):04X}")
def test_a_space_before_a_cookies_name_hands_nobody_another_session(
    scene: Scene, space: str
) -> None:
    mine, attackers = session_of(scene, "staff"), session_of(scene, "editor")
    page = with_cookies(scene, mine, space + attackers).get("/admin/")
    assert "staff@contoso.example" in page.text
    assert not with_cookies(scene, space + attackers).is_in()


def test_of_two_session_cookies_neither_is_believed(scene: Scene) -> None:
    mine, attackers = session_of(scene, "staff"), session_of(scene, "editor")
    before = house(scene)
    for pairs in ((mine, attackers), (attackers, mine)):
        assert not with_cookies(scene, *pairs).is_in()
    assert house(scene) == before
    assert with_cookies(scene, mine).is_in()
    assert with_cookies(scene, mine, mine).is_in()
    people_sign_in_as_before(scene)


def test_the_record_says_that_a_cookie_came_twice(scene: Scene) -> None:
    visitor = scene.browser()
    there = visitor.choose(visitor.press_button())
    twice = with_cookies(scene, f"sessionid={visitor.session_cookie()}", "sessionid=planted")
    page = twice.get(there)
    assert page.reason == "session_not_found"
    assert "sent twice" in SignIn.objects.get(reference=page.reference).detail


# --- in Chromium, which decides what a neighbour may set -----------------------------------------


class Neighbour(BaseHTTPRequestHandler):
    """Another app on this host: its cookies go to every port."""

    planted: tuple[str, ...] = ()

    def do_GET(self) -> None:
        self.send_response(200)
        for cookie in self.planted:
            self.send_header("Set-Cookie", cookie.encode().decode("latin-1"))
        self.send_header("Content-Length", "0")
        self.end_headers()

    @override
    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def neighbour() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Neighbour)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}/"
    server.shutdown()
    server.server_close()


def test_a_neighbour_in_chromium_hands_nobody_another_session(
    scene: Scene, page: Page, neighbour: str
) -> None:
    attackers = scene.let_in("editor").session_cookie()
    page.goto(f"{scene.site.url}/admin/")
    page.get_by_role("button", name="Sign in with Microsoft").click()
    page.locator('button[name="person"][value="staff"]').click()
    expect(page.locator("#user-tools")).to_contain_text("staff@contoso.example")
    Neighbour.planted = tuple(f"{space}sessionid={attackers}; Path=/" for space in SPACES)
    page.goto(neighbour)
    page.goto(f"{scene.site.url}/admin/")
    expect(page.locator("#user-tools")).to_contain_text("staff@contoso.example")
    Neighbour.planted = (f"sessionid={attackers}; Path=/admin",)
    page.goto(neighbour)
    page.goto(f"{scene.site.url}/admin/")
    expect(page.get_by_role("button", name="Sign in with Microsoft")).to_be_visible()
