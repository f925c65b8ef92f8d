"""Doctor behind proxies that meddle: each spoils a sign-in in its own way, before a real site."""

import http.client
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.test import override_settings

from accounts.operate.doctor import visit
from accounts.operate.doctor.finding import Finding
from tests.emulator.server import Emulator
from tests.fixtures import _shared
from tests.servers.ports import LOOPBACK
from tests.servers.site import Site
from tests.support import site_keys
from tests.support.doctoring import bad, by_id
from tests.support.tiny_server import Exchange, TinyServer

Headers = list[tuple[str, str]]
Ask = Callable[[Exchange, "Meddler"], bool]
CALLBACK = "/accounts/microsoft/login/callback/"


def _nothing(exchange: Exchange, meddler: "Meddler") -> bool:
    return False


def _as_they_are(exchange: Exchange, headers: Headers) -> Headers:
    return headers


class Meddler:
    """Passes everything on, save what `before` answers itself and `after` does to headers."""

    def __init__(self) -> None:
        self.upstream = 0
        self.before: Ask = _nothing
        self.after: Callable[[Exchange, Headers], Headers] = _as_they_are

    def __call__(self, exchange: Exchange) -> None:
        if not self.before(exchange, self):
            self.send(exchange, *self.ask(exchange))

    def ask(self, exchange: Exchange) -> tuple[int, Headers, bytes]:
        connection = http.client.HTTPConnection(LOOPBACK, self.upstream, timeout=20)
        connection.request(
            exchange.command, exchange.path, exchange.body, dict(exchange.headers.items())
        )
        answer = connection.getresponse()
        return answer.status, answer.getheaders(), answer.read()

    def send(self, exchange: Exchange, status: int, headers: Headers, body: bytes) -> None:
        exchange.send_response_only(status)
        for name, value in self.after(exchange, headers):
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                exchange.send_header(name, value)
        exchange.send_header("Content-Length", str(len(body)))
        exchange.end_headers()
        exchange.wfile.write(body)


@pytest.fixture(scope="module")
def _meddler(django_db_setup: None, _emulator: Emulator) -> Iterator[tuple[Meddler, Site]]:
    meddling = Meddler()
    with (
        TinyServer(meddling) as server,
        Site({**_shared(), "PUBLIC_URL": server.url}, workers=1) as site,
    ):
        meddling.upstream = site.port
        yield meddling, site


@pytest.fixture
def meddler(
    _meddler: tuple[Meddler, Site], transactional_db: None, emulator: Emulator
) -> tuple[Meddler, str]:
    """Meddles with nothing at the start of each test, before a site that all of them share."""
    meddling, site = _meddler
    meddling.before, meddling.after = _nothing, _as_they_are
    return meddling, site_keys.follow(site).url


@contextmanager
def visited(meddler: tuple[Meddler, str]) -> Iterator[dict[str, Finding]]:
    with override_settings(PUBLIC_URL=meddler[1]):
        yield by_id(visit.run(meddler[1]))


def adding(name: str, value: str) -> Callable[[Exchange, Headers], Headers]:
    return lambda exchange, headers: [*headers, (name, value)]


def without_cookies(exchange: Exchange, headers: Headers) -> Headers:
    return [(name, value) for name, value in headers if name.lower() != "set-cookie"]


def without_session(exchange: Exchange, headers: Headers) -> Headers:
    return without_cookies(exchange, headers) if exchange.command == "POST" else headers


def path_only(exchange: Exchange) -> str:
    return exchange.path.partition("?")[0]


def to_easy_auth(exchange: Exchange, meddler: Meddler) -> bool:
    exchange.text("", 302, Location="/.auth/login/aad")
    return True


def callback_to_easy_auth(exchange: Exchange, meddler: Meddler) -> bool:
    return path_only(exchange) == CALLBACK and to_easy_auth(exchange, meddler)


def firewall(exchange: Exchange, meddler: Meddler) -> bool:
    if "error=" in exchange.path:
        exchange.text("Request blocked", 403)
    return "error=" in exchange.path


def long_is_refused(exchange: Exchange, meddler: Meddler) -> bool:
    if len(exchange.path) > 1024:
        exchange.text("<title>Request-URI Too Large</title>", 414, Server="waf")
    return len(exchange.path) > 1024


def impatient(exchange: Exchange, meddler: Meddler) -> bool:
    wait = exchange.headers.get("X-Doctor-Wait")
    if wait:
        exchange.text("<title>Gateway Time-out</title>", 504)
    return bool(wait)


def drop_query(exchange: Exchange, meddler: Meddler) -> bool:
    exchange.path = path_only(exchange)
    return False


def drop_cookies(exchange: Exchange, meddler: Meddler) -> bool:
    if path_only(exchange) == CALLBACK:
        del exchange.headers["Cookie"]
    return False


def drop_csrf_cookie(exchange: Exchange, meddler: Meddler) -> bool:
    if exchange.command == "POST":
        del exchange.headers["Cookie"]
    return False


def repeat(exchange: Exchange, meddler: Meddler) -> bool:
    if path_only(exchange) == CALLBACK:
        meddler.ask(exchange)
    return False


def goes_down(exchange: Exchange, meddler: Meddler) -> bool:
    if path_only(exchange) == CALLBACK:
        exchange.text("<title>502 Bad Gateway</title>", 502)
    return path_only(exchange) == CALLBACK


def loop(exchange: Exchange, meddler: Meddler) -> bool:
    exchange.text("", 301, Location=exchange.path)
    return True


def another_page(exchange: Exchange, meddler: Meddler) -> bool:
    exchange.text("<h1>Welcome to nginx!</h1>")
    return True


def no_page(exchange: Exchange, meddler: Meddler) -> bool:
    exchange.text("not here", 404)
    return True


@pytest.mark.parametrize(("before", "id_"), [
    (to_easy_auth, "public.easy_auth"),
    (callback_to_easy_auth, "public.easy_auth"),
    (firewall, "public.callback"),
    (long_is_refused, "public.long_callback"),
    (drop_query, "public.secret_keys"),
    (drop_cookies, "public.cookie"),
    (drop_csrf_cookie, "public.csrf"),
    (repeat, "public.repeated"),
    (goes_down, "public.callback"),
    (loop, "public.proxy"),
    (another_page, "public.login_page"),
    (no_page, "public.page"),
])  # fmt: skip
def test_what_it_does_to_requests_is_named(
    before: Ask, id_: str, meddler: tuple[Meddler, str]
) -> None:
    meddler[0].before = before
    with visited(meddler) as found:
        assert bad(found.values()) == {id_}


@pytest.mark.parametrize(("after", "id_"), [
    (adding("Content-Security-Policy", "form-action 'self'"), "public.csp"),
    (adding("Content-Security-Policy", "form-action 'self' http://localhost:*"), "public.csp"),
    (adding("Referrer-Policy", "no-referrer"), "public.referrer_policy"),
    (adding("X-Cache", "Hit from cloudfront"), "public.cached"),
    (adding("Age", "120"), "public.cached"),
    (without_cookies, "public.csrf_cookie"),
    (without_session, "public.session_cookie"),
])  # fmt: skip
def test_what_it_does_to_answers_is_named(
    after: Callable[[Exchange, Headers], Headers], id_: str, meddler: tuple[Meddler, str]
) -> None:
    meddler[0].after = after
    with visited(meddler) as found:
        assert id_ in bad(found.values())


@pytest.mark.parametrize("policy", [
    "default-src 'self'; form-action 'self' http://localhost:*/ http:", "form-action *",
    "default-src 'none'",
])  # fmt: skip
def test_a_policy_that_lets_the_button_go_is_well(
    policy: str, meddler: tuple[Meddler, str]
) -> None:
    meddler[0].after = adding("Content-Security-Policy", policy)
    with visited(meddler) as found:
        assert bad(found.values()) == set()


def test_a_proxy_without_patience_is_named(meddler: tuple[Meddler, str]) -> None:
    meddler[0].before = impatient
    with override_settings(PUBLIC_URL=meddler[1]):
        finding = by_id(visit.run(meddler[1], slow=True))["public.slow"]
    assert finding.level == "error"
    assert 'HTTP 504 "Gateway Time-out"' in finding.detail


def test_a_proxy_that_passes_everything_on_is_well(meddler: tuple[Meddler, str]) -> None:
    with visited(meddler) as found:
        assert bad(found.values()) == set()
