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
    "sessionid=a; path=/; secure; samesite=lax",
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
    ("sessionid=a; Path=/; samesite=strict", CALLBACK),
    ("sessionid=a; Path=/admin/", CALLBACK),
    ("sessionid=a; Path=/adm", "https://staff.example.com/admin/"),
    ("sessionid=a; Path=/; Secure", CALLBACK.replace("https", "http")),
    ("sessionid=a; Path=/", "https://www.staff.example.com/"),
    ("sessionid=a; Path=/; Domain=example.com", "https://badexample.com/"),
])  # fmt: skip
def test_a_cookie_stays_where_it_belongs(header: str, target: str) -> None:
    assert jar(header).header(target, cross_site=True) == ""


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "intranet"])
def test_a_host_without_a_domain_is_one_like_any_other(host: str) -> None:
    url = f"http://{host}:8000/a/b"
    assert jar("sessionid=a; Path=/", url=url).header(url, cross_site=True) == "sessionid=a"
    assert jar(f"sessionid=a; Path=/; Domain={host}", url=url).header(url) == "sessionid=a"


def test_a_strict_cookie_is_sent_from_its_own_site() -> None:
    assert jar("sessionid=a; Path=/; SameSite=Strict").header(HTTPS) == "sessionid=a"


def test_a_newer_cookie_replaces_an_older_one() -> None:
    assert jar("sessionid=a; Path=/", "sessionid=b; Path=/").header(HTTPS) == "sessionid=b"


@pytest.mark.parametrize("removal", [
    "sessionid=x; Path=/; Max-Age=0",
    "sessionid=x; Path=/; expires=Thu, 01 Jan 1970 00:00:00 GMT",
    'sessionid=""; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; SameSite=Lax',
])  # fmt: skip
def test_a_removed_cookie_is_gone(removal: str) -> None:
    assert jar("sessionid=a; Path=/", removal).header(HTTPS) == ""


def test_nonsense_is_no_cookie() -> None:
    assert jar("", ";;;", "\x00=\x01", "=; =").header(HTTPS) == ""
