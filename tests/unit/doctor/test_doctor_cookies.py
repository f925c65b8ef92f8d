"""Doctor's browser keeps cookies: takes and sends what browsers do."""

import pytest

from accounts.operate.doctor.visit.cookies import CookieJar

HTTPS, HTTP = "https://staff.example.com/", "http://staff.example.com/"
CALLBACK = "https://staff.example.com/accounts/microsoft/login/callback/"


def jar(*headers: str, url: str = HTTPS) -> CookieJar:
    filled = CookieJar()
    filled.store(url, headers)
    return filled


@pytest.mark.parametrize("header", [
    "sessionid=a; Path=/; HttpOnly; SameSite=Lax",
    "__Host-sessionid=a; Path=/; Secure; SameSite=Lax",
    "sessionid=a; Path=/; Domain=example.com",
    "sessionid=a; Path=/; SameSite=None; Secure",
    "sessionid=a; Path=/; Priority=High; SameSite=None; Secure; Partitioned",
])  # fmt: skip
def test_a_good_cookie_comes_back_from_another_site(header: str) -> None:
    assert "=a" in jar(header).header(CALLBACK, cross_site=True)


@pytest.mark.parametrize(("url", "header", "why"), [
    (HTTP, "sessionid=a; Path=/; Secure", "http"),
    (HTTPS, "sessionid=a; Path=/; Domain=other.example", "Domain"),
    (HTTPS, "__Host-sessionid=a; Path=/", "demands Secure"),
    (HTTPS, "__Host-sessionid=a; Path=/admin; Secure", "Path=/"),
    (HTTPS, "sessionid=a; Path=/; SameSite=None", "SameSite=None"),
    (HTTPS, f"sessionid={'a' * 5000}; Path=/", "longer"),
])  # fmt: skip
def test_a_bad_cookie_is_refused_and_the_reason_kept(url: str, header: str, why: str) -> None:
    filled = jar(header, url=url)
    assert filled.header(url) == ""
    assert why in next(iter(filled.refused.values()))


@pytest.mark.parametrize(("header", "target"), [
    ("sessionid=a; Path=/; SameSite=Strict", CALLBACK),
    ("sessionid=a; Path=/admin/", CALLBACK),
    ("sessionid=a; Path=/adm", "https://staff.example.com/admin/"),
    ("sessionid=a; Path=/; Secure", CALLBACK.replace("https", "http")),
    ("sessionid=a; Path=/", "https://www.staff.example.com/"),
    ("sessionid=a; Path=/; Domain=example.com", "https://badexample.com/"),
])  # fmt: skip
def test_a_cookie_stays_where_it_belongs(header: str, target: str) -> None:
    assert jar(header).header(target, cross_site=True) == ""


def test_a_strict_cookie_is_sent_from_its_own_site() -> None:
    assert jar("sessionid=a; Path=/; SameSite=Strict").header(HTTPS) == "sessionid=a"


def test_a_newer_cookie_replaces_an_older_one() -> None:
    assert jar("sessionid=a; Path=/", "sessionid=b; Path=/").header(HTTPS) == "sessionid=b"


@pytest.mark.parametrize("removal", ["sessionid=; Path=/", "sessionid=x; Path=/; Max-Age=0"])
def test_a_removed_cookie_is_gone(removal: str) -> None:
    assert jar("sessionid=a; Path=/", removal).header(HTTPS) == ""


def test_nonsense_is_no_cookie() -> None:
    assert jar("", ";;;", "\x00=\x01", "=; =").header(HTTPS) == ""
