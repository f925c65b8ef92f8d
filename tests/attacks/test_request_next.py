"""Open redirects: wherever `next` points, people end under /admin/ of this site.

The sources are RFC 9700, 4.11 (open redirection) and WSTG-CLNT-04. tests/unit/web/test_next_path.py
has many more such addresses.
"""

import pytest

from tests.attacks.scene import Scene, nothing_broke_or_leaked
from tests.support.visitor import LOGIN, START, Visitor

HOME = "/admin/"
ELSEWHERE = [
    "https://attacker.example/", "//attacker.example/", "///attacker.example/",
    "/\\attacker.example/", "\\\\attacker.example/", "https:attacker.example",
    "javascript:alert(1)", "data:text/html,x", "\x00//attacker.example/",
    "\x01https://attacker.example/", "/\t/attacker.example/", "//localhost@attacker.example/admin/",
    "http://attacker.example#/admin/", "/admin.attacker.example/", "/admin@attacker.example/",
    "/admin/..//attacker.example/", "/admin/%2e%2e/accounts/", "/admin/..%2f..%2f",
    "/admin/\\attacker.example", "/admin/%5c%5cattacker.example/..",
    "/admin/\r\nLocation: https://attacker.example/", "/admin/\N{FULLWIDTH SOLIDUS}",
    "/accounts/microsoft/login/", "/admin/logout/", "/admin/./logout/", "/admin/" + "a" * 4000,
]  # fmt: skip
HERE = [
    "/admin/accounts/user/", "/admin/accounts/user/?q=a%26b&p=1", "/admin/accounts/user/1/change/",
    "/admin/?next=https://attacker.example/", "/admin/#//attacker.example/",
]  # fmt: skip


def after_sign_in(visitor: Visitor, path: str) -> str:
    """Where a sign-in that began on the login page with this `next` ends."""
    address, fields = visitor.get(LOGIN).form()
    start = visitor.post(address, {**fields, "next": path}).location
    return visitor.come_back(visitor.choose(start)).location


@pytest.mark.parametrize("path", ELSEWHERE)
def test_a_sign_in_ends_at_home_whatever_next_says(scene: Scene, path: str) -> None:
    visitor = scene.visitor()
    assert after_sign_in(visitor, path) == f"{scene.site.url}{HOME}"
    page = visitor.get(LOGIN, params={"next": path})
    assert page.location == f"{scene.site.url}{HOME}"
    nothing_broke_or_leaked(scene, page)


@pytest.mark.parametrize("path", HERE)
def test_a_path_under_admin_is_kept(scene: Scene, path: str) -> None:
    assert after_sign_in(scene.visitor(), path) == f"{scene.site.url}{path}"


def test_the_button_of_a_forged_login_page_keeps_no_address_of_the_attackers(scene: Scene) -> None:
    for path in ELSEWHERE:
        for page in (LOGIN, START):
            shown = scene.browser().get(page, params={"next": path})
            assert "attacker.example" not in shown.text
            assert shown.form()[0] == f"{scene.site.url}{START}"
