"""`next` is a path under /admin/, or it is /admin/: what browsers and parsers make of the rest.

The sources are RFC 9700, 4.11 (open redirection), WSTG-CLNT-04, the WHATWG's URL parser, and
collections of parser tricks (Orange Tsai, "A New Era of SSRF", 2017).
"""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import pytest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from accounts.web.next_path import login_page_url, next_from, safe_next, start_url

SITE = "https://staff.example"
HOME = "/admin/"
ELSEWHERE = [
    "https://attacker.example/", "http://attacker.example/", "//attacker.example/",
    "///attacker.example/", "////attacker.example/", "/\\attacker.example/",
    "\\\\attacker.example/", "\\/attacker.example/", "/\\/attacker.example/",
    "https:attacker.example", "https:/attacker.example", "https:///attacker.example/",
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\nscript:alert(1)", "data:text/html,x",
    "vbscript:x", "ftp://attacker.example/", "mailto:a@attacker.example", "file:///etc/passwd",
    " https://attacker.example/", "\thttps://attacker.example/", "\x00//attacker.example/",
    "\x01https://attacker.example/", "/\t/attacker.example/", "/\n/attacker.example/",
    "http://localhost@attacker.example/", "//localhost@attacker.example/admin/",
    "http://attacker.example#/admin/", "http://attacker.example?/admin/",
    "http://attacker.example/admin/", "admin/", "./admin/", "?next=/admin/", "#/admin/",
    "/Admin/", "/administration/", "/admin.attacker.example/", "/admin@attacker.example/",
    "/admin/..//attacker.example/", "/admin/../../attacker.example", "/admin/%2e%2e/accounts/",
    "/admin/..%2f..%2f", "/admin/%2e%2e%2f%2fattacker.example", "/admin/\\attacker.example",
    "/admin/%5c%5cattacker.example/..", "/admin/\r\nLocation: https://attacker.example/",
    "/admin/\u2028", "/admin/\u202e", "/admin/\N{FULLWIDTH SOLIDUS}", "/\u2215/attacker.example",
    "\N{FULLWIDTH SOLIDUS}\N{FULLWIDTH SOLIDUS}attacker.example", "/%09/attacker.example",
    "/accounts/microsoft/login/", "/accounts/microsoft/login/callback/?code=a&state=b",
    "/static/", "/healthz", "/admin/login/", "/admin/login/?next=/admin/", "/admin/logout/",
    "/admin/%6cogout/", "/admin/./logout/", "/admin//logout/", "/admin/x/../logout/",
    "/admin", "", " ", "/", "/admin/\u00e9", "/admin/\x7f", "/admin/\ud800",
]  # fmt: skip
KEPT = [
    "/admin/", "/admin/accounts/user/", "/admin/accounts/user/?q=a%26b&p=1", "/admin/#top",
    "/admin/accounts/user/1/change/", "/admin/?next=https://attacker.example/", "/admin/a/../b/",
    "/admin/accounts/user/?q=a%5Cb", "/admin/%C3%A9/", "/admin/logouts/",
]  # fmt: skip


@pytest.mark.parametrize("value", ELSEWHERE)
def test_anything_else_is_home(value: str) -> None:
    assert safe_next(value) == HOME


@pytest.mark.parametrize("value", KEPT)
def test_a_path_under_admin_is_kept_to_the_letter(value: str) -> None:
    assert safe_next(value) == value


PIECES = st.sampled_from([
    "/", "//", "\\", "/admin/", "admin", "..", ".", "%2e", "%2f", "%5c", "@", ":", "?", "#", "&",
    "https:", "javascript:", "attacker.example", "localhost", "\t", "\n", "\0", " ", "login/",
])  # fmt: skip
ANY = st.text(max_size=60) | st.lists(PIECES | st.text(max_size=3), max_size=8).map("".join)


@given(ANY, st.booleans())
def test_wherever_it_leads_it_is_under_admin(text: str, prefixed: bool) -> None:
    value = safe_next(HOME + text if prefixed else text)
    there = urlsplit(urljoin(SITE, value))
    assert (there.scheme, there.netloc) == ("https", "staff.example")
    assert there.path.startswith(HOME) or there.path == "/admin"
    assert value.isascii()
    assert value.isprintable()


@given(ANY)
def test_what_is_safe_stays_as_it_is(text: str) -> None:
    assert safe_next(safe_next(text)) == safe_next(text)


def test_the_query_goes_before_the_form() -> None:
    request = RequestFactory().post("/?next=/admin/a/", {"next": "/admin/b/"})
    assert next_from(request) == "/admin/a/"
    assert next_from(RequestFactory().post("/", {"next": "/admin/b/"})) == "/admin/b/"
    assert next_from(RequestFactory().get("/")) == HOME


def test_home_needs_no_parameter_and_the_rest_is_quoted() -> None:
    assert start_url(HOME) == "/accounts/microsoft/login/"
    assert login_page_url("/admin/?q=a&b=c") == "/admin/login/?next=/admin/%3Fq%3Da%26b%3Dc"
