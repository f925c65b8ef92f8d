"""TLS, cookies and headers: what a browser is told, and whom the site itself believes.

The sources are OWASP ASVS 5.0, 3.3 (cookies), 3.4 (headers) and 12.3 (TLS between services), RFC
6797 (HSTS), RFC 6265bis (cookie prefixes), RFC 9700, 4.2 (codes that leak), and CWE-1021.
"""

import re
import ssl
from collections.abc import Iterator
from http.cookies import SimpleCookie

import pytest

from accounts.configuration.table import BadEnvironment
from accounts.models import SignIn
from project import variables
from tests.attacks.scene import Attack, Scene, people_sign_in_as_before, withstand
from tests.emulator.server import Emulator
from tests.fixtures import ENVIRONMENT, StartSite
from tests.servers.nginx import Nginx, write_certificate
from tests.servers.ports import free_port
from tests.servers.process import scratch
from tests.support.visitor import CALLBACK, LOGIN, START, Page, Visitor

# --- the site asks Microsoft ---------------------------------------------------------------------


@pytest.fixture
def tls_emulator() -> Iterator[tuple[Emulator, str]]:
    """A Microsoft with a certificate that nobody has signed, and the certificate."""
    directory = scratch("tls")
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    write_certificate(certificate, key)
    with Emulator(tls=(certificate, key)) as emulator:
        yield emulator, str(certificate)


def pressed(scene: Scene) -> Page:
    browser = scene.browser()
    return browser.submit(browser.get(LOGIN))


def test_a_certificate_that_nobody_signed_is_not_believed(
    start_site: StartSite, tls_emulator: tuple[Emulator, str], scene: Scene
) -> None:
    """ASVS 12.3.2: without the certificate among the trusted ones, nothing is sent."""
    emulator, _ = tls_emulator
    site = start_site(workers=1, MICROSOFT_LOGIN_URL=emulator.url)
    alone = Scene(site, emulator, scene.redis, calm_site=scene.site)
    attack = Attack("a self-signed Microsoft", pressed, "microsoft_unreachable", detail="TLS")
    withstand(alone, attack)
    assert not emulator.requests


def test_a_certificate_that_is_trusted_is_believed(
    start_site: StartSite, tls_emulator: tuple[Emulator, str], scene: Scene
) -> None:
    emulator, certificate = tls_emulator
    trusted = {"SSL_CERT_FILE": certificate}
    site = start_site(workers=1, MICROSOFT_LOGIN_URL=emulator.url, **trusted)
    visitor = Visitor(site.url)
    trust = ssl.create_default_context(cafile=certificate)
    there = visitor.choose(visitor.press_button(), "editor", trust=trust)
    assert visitor.come_back(there).location == f"{site.url}/admin/"


@pytest.mark.parametrize(("name", "value"), [
    ("MICROSOFT_LOGIN_URL", "http://login.microsoftonline.com"),
    ("MICROSOFT_LOGIN_URL", "http://localhost.attacker.example"),
    ("MICROSOFT_LOGIN_URL", "http://127.0.0.1.attacker.example"),
    ("MICROSOFT_LOGIN_URL", "http://localhost@attacker.example"),
    ("MICROSOFT_LOGIN_URL", "ftp://localhost"),
    ("MICROSOFT_TENANT_ID", "common"),
    ("MICROSOFT_TENANT_ID", "consumers"),
    ("MICROSOFT_TENANT_ID", "9188040d-6c67-4c5b-b112-36a304b66dad"),
    ("MICROSOFT_TENANT_ID", "organizations"),
    ("MICROSOFT_ALLOWED_TENANTS", "9188040d-6c67-4c5b-b112-36a304b66dad"),
    ("MICROSOFT_ALLOWED_TENANTS", "contoso.example"),
    ("SECRET_KEY", "short"),
    ("PUBLIC_URL", "https://staff.example/path"),
    ("PUBLIC_URL", "https://user@staff.example"),
    ("TRUSTED_PROXY_COUNT", "-1"),
])  # fmt: skip
def test_a_site_that_would_be_open_does_not_start(name: str, value: str) -> None:
    """docs/settings.md; http to Microsoft on this machine only (RFC 9700 2.6)."""
    with pytest.raises(BadEnvironment, match=name):
        variables.load({**ENVIRONMENT, name: value})


# --- the browser asks the site -------------------------------------------------------------------


@pytest.fixture
def behind(start_site: StartSite, scene: Scene) -> Iterator[Scene]:
    """The site behind nginx, which ends TLS."""
    port = free_port()
    site = start_site(workers=1, PUBLIC_URL=f"https://localhost:{port}", TRUSTED_PROXY_COUNT="1")
    with Nginx([site.port], port=port) as proxy:
        yield Scene(site, scene.emulator, scene.redis, verify=str(proxy.certificate))


def cookies_of(page: Page) -> dict[str, dict[str, object]]:
    """The cookies that an answer sets, with the attributes that are there."""
    parsed = SimpleCookie(page.headers["Set-Cookie"].replace(", __Host", "\r\n__Host"))
    return {
        name: {attribute: value for attribute, value in morsel.items() if value}
        for name, morsel in parsed.items()
    }


def test_over_https_cookies_and_headers_hold(behind: Scene) -> None:
    """ASVS 3.3.1 to 3.3.4, 3.4.1; RFC 6265bis 4.1.3.2; RFC 6797. One site shows it all."""
    visitor = behind.visitor()
    page = visitor.get(LOGIN)
    started = visitor.submit(page)
    answer = visitor.come_back(visitor.choose(started.location))
    for name, cookie in {**cookies_of(page), **cookies_of(started), **cookies_of(answer)}.items():
        assert name in ("__Host-sessionid", "__Host-csrftoken")
        assert (cookie["path"], cookie["secure"], cookie["httponly"]) == ("/", True, True)
        assert cookie["samesite"] == "Lax"
        assert "domain" not in cookie
    for each in (page, started, answer, visitor.get("/admin/"), visitor.get("/nothing/")):
        assert each.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    assert visitor.is_in()
    people_sign_in_as_before(behind)


def test_over_https_nothing_that_the_client_claims_is_believed(behind: Scene) -> None:
    """CWE-348: nginx adds the true address on the right, and only that one counts."""
    claims = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "http", "X-Real-IP": "1.2.3.4"}
    assert behind.visitor(**claims).sign_in("nobody").reason == "unknown_user"
    assert SignIn.objects.get().client_ip == "127.0.0.1"
    assert all(cookie.secure for cookie in behind.let_in().http.cookies)


def test_over_https_a_cookie_from_a_neighbour_is_not_ours(behind: Scene) -> None:
    """RFC 6265bis 4.1.3.2: a sub-domain or an http page can plant `sessionid`, not `__Host-`."""
    key = behind.let_in().session_cookie()
    assert behind.visitor(Cookie=f"__Host-sessionid={key}").is_in()
    assert not behind.visitor(Cookie=f"sessionid={key}").is_in()
    planted = behind.browser(Cookie=f"sessionid={key}; csrftoken={'a' * 32}")
    assert "csrfmiddlewaretoken" in planted.get(LOGIN).form()[1]


def test_over_http_the_https_site_starts_nothing_and_sets_no_cookie(behind: Scene) -> None:
    """ASVS 3.4.1: a person who comes by http is sent to https before anything else."""
    plain = Visitor(f"http://localhost:{behind.site.port}")
    for page in (plain.get(LOGIN), plain.get("/admin/"), plain.get("/")):
        assert page.location.startswith(f"{behind.site.url}/")
        assert "Set-Cookie" not in page.headers
    assert plain.post(START, {}).location.startswith(f"{behind.site.url}{LOGIN}")


def pages_of(scene: Scene) -> dict[str, Page]:
    visitor = scene.let_in()
    return {
        "login": scene.browser().get(LOGIN),
        "start": scene.browser().get(START),
        "refusal": scene.sign_in("nobody"),
        "admin": visitor.get("/admin/"),
        "people": visitor.get("/admin/accounts/user/"),
        "signed out": visitor.sign_out(),
    }


def test_no_page_runs_a_strangers_script_or_stands_in_a_strangers_frame(scene: Scene) -> None:
    """CWE-79, CWE-1021; ASVS 3.4.3 to 3.4.6."""
    for page in pages_of(scene).values():
        policy = page.headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "base-uri 'none'" in policy
        assert page.headers["X-Frame-Options"] == "DENY"
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert page.headers["Cross-Origin-Opener-Policy"] == "same-origin-allow-popups"
        assert not re.search(
            r"<script(?![^>]* src=)|<style|\son\w+=|\sstyle=|javascript:", page.text
        )


def test_forms_of_a_page_without_the_button_go_to_us_only(scene: Scene) -> None:
    """CSP 3, form-action."""
    for page in (scene.let_in().get("/admin/"), scene.browser().get("/admin/break-glass/")):
        assert "form-action 'self';" in page.headers["Content-Security-Policy"] + ";"


def test_no_page_of_the_flow_is_stored_or_tells_where_it_was(scene: Scene) -> None:
    """RFC 9700 4.2.4: neither caches nor a Referer carry a code away."""
    browser = scene.browser()
    page = browser.get(LOGIN)
    started = browser.submit(page)
    answer = browser.come_back(browser.choose(started.location, "nobody"))
    for each in (page, started, answer, browser._ask("POST", CALLBACK)):
        assert "no-store" in each.headers["Cache-Control"]
        assert each.headers["Referrer-Policy"] == "strict-origin"


def test_cookies_over_http_are_kept_from_scripts_and_from_other_sites(scene: Scene) -> None:
    """ASVS 3.3.2, 3.3.4. On http, which is for this machine only, they cannot be Secure."""
    visitor = scene.visitor()
    cookies = visitor.submit(visitor.get(LOGIN)).headers["Set-Cookie"]
    assert cookies.count("HttpOnly") == cookies.count("SameSite=Lax") == cookies.count("Path=/")
    assert "Domain" not in cookies


def test_the_login_page_makes_no_session(scene: Scene) -> None:
    """CWE-400: whoever only looks leaves nothing in the store."""
    scene.browser().get(LOGIN)
    scene.browser().get(START)
    assert not list(scene.redis.scan_iter("*session*"))


def test_the_log_has_paths_and_no_queries(scene: Scene) -> None:
    """CWE-532: codes and states stand in the callback's query."""
    scene.let_in()
    scene.sign_in("nobody")
    scene.browser().get(f"{CALLBACK}?code=1.hidden&state=hidden&id_token=eyJhbGciOiJub25lIn0.e30.")
    log = scene.log_with(f"GET {CALLBACK} 400")
    assert "hidden=" not in log
    assert "eyJ" not in log
    assert "?" not in log.replace("[hidden]", "")
