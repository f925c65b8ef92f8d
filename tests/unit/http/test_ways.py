"""The way to Microsoft: through a company's proxy, past its authorities; and why it is blocked."""

from __future__ import annotations

import logging
import socket
import ssl
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from accounts.http import causes
from accounts.http.client import HttpClient
from accounts.http.deadline import Deadline
from accounts.http.origins import Origin
from accounts.http.proxy import Proxy, proxy_from
from accounts.http.tls import trusted_context
from tests.support.proxy import ConnectProxy
from tests.support.tiny_server import TinyServer, fails, signed, write_certificate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from accounts.reasons import Refused

SECRET = "pa:ss word"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return write_certificate(tmp_path)


def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


# --- through a proxy -----------------------------------------------------------------------------


def test_https_goes_through_the_proxy_and_credentials_nowhere_else(
    certificate: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with (
        TinyServer(lambda x: x.json({"a": 1}), certificate) as server,
        ConnectProxy(f"user:{SECRET}") as proxy,
    ):
        given = proxy_from(proxy.url.replace("://", "://user:pa%3Ass%20word@"))
        client = HttpClient(context=trusting(certificate), proxy=given)
        for _ in range(3):
            assert client.get_json(server.url).body == {"a": 1}
        (head,) = proxy.heads
        assert head.startswith(f"CONNECT 127.0.0.1:{server.url.rpartition(':')[2]} HTTP/1.1\r\n")
        assert [r for r in server.requests if "Proxy-Authorization" in r.headers] == []
        assert server.connections == 1
    assert SECRET not in repr(given) + caplog.text


def test_warming_goes_through_the_proxy_too(certificate: Path) -> None:
    with (
        TinyServer(lambda x: x.json({}), certificate) as server,
        ConnectProxy() as proxy,
    ):
        client = HttpClient(context=trusting(certificate), proxy=proxy_from(proxy.url))
        client.warm(server.url)
        deadline = time.monotonic() + 5
        while server.connections == 0 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.05)
        client.get_json(server.url)
        assert (server.connections, len(proxy.heads)) == (1, 1)


def test_this_machine_is_reached_directly() -> None:
    with TinyServer(lambda x: x.json({})) as server:
        client = HttpClient(proxy=proxy_from("http://127.0.0.1:1"))
        assert client.get_json(server.url).status == 200


@pytest.mark.parametrize(
    ("url", "credentials"),
    [
        ("http://proxy.example:3128", ""),
        ("http://proxy.example:3128/", ""),
        ("https://u:p@proxy.example", "u:p"),
        ("http://u%40corp:p%2F%C3%A9@proxy.example:8080", "u@corp:p/\u00e9"),
    ],
)
def test_a_proxys_address_may_hold_credentials(url: str, credentials: str) -> None:
    proxy = proxy_from(url)
    assert proxy is not None
    assert (proxy.credentials, proxy.origin.host) == (credentials, "proxy.example")


@pytest.mark.parametrize("url", ["", "proxy:3128", "socks5://h", "http://h/p", "http://h?q", "x"])
def test_what_is_no_proxys_address(url: str) -> None:
    assert proxy_from(url) is None


# --- why it is blocked ----------------------------------------------------------------------------


def through(proxy: ConnectProxy, credentials: str = "") -> Refused:
    given = Proxy(Origin("http", "127.0.0.1", proxy.port), credentials)
    client = HttpClient(proxy=given)
    return fails(lambda: client.get_json("https://login.example/", Deadline(0.5)))


def test_a_proxy_that_wants_other_credentials_says_which_kind() -> None:
    with ConnectProxy("user:right") as proxy:
        refused = through(proxy, f"user:{SECRET}")
    assert isinstance(refused, causes.ProxyRefused)
    assert refused.detail.endswith("answered 407 to CONNECT, offering Negotiate, Basic")
    assert SECRET not in refused.detail


@pytest.mark.parametrize("status", [403, 502, 503])
def test_a_proxy_that_refuses(status: int) -> None:
    answer = f"HTTP/1.1 {status} No <script>\r\nContent-Length: 0\r\n\r\n".encode()
    with ConnectProxy(answer=answer) as proxy:
        refused = through(proxy)
    assert isinstance(refused, causes.ProxyRefused)
    assert refused.detail.endswith(f"answered {status} to CONNECT")
    assert "script" not in refused.detail


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-x\r\n", b"\0\1\2"])
def test_a_proxy_that_is_none(answer: bytes) -> None:
    with ConnectProxy(answer=answer) as proxy:
        assert isinstance(through(proxy), causes.ProxyBroken)


def test_a_proxy_that_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        proxy = Proxy(Origin("http", "127.0.0.1", silent.getsockname()[1]))
        client = HttpClient(proxy=proxy)
        refused = fails(lambda: client.get_json("https://login.example/", Deadline(0.3)))
    assert isinstance(refused, causes.ProxySilent)


def test_a_port_that_refuses_is_told_from_one_that_is_silent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]
    refused = fails(lambda: HttpClient().get_json(f"https://127.0.0.1:{free}/"))
    assert isinstance(refused, causes.PortRefused)
    with full_backlog() as silent:
        late = fails(lambda: HttpClient().get_json(f"https://127.0.0.1:{silent}/", Deadline(0.3)))
    assert isinstance(late, causes.PortSilent)


@contextmanager
def full_backlog() -> Iterator[int]:
    """A port that neither takes nor refuses another connection."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        waiting = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(address)
            waiting.append(one)
        time.sleep(0.05)
        yield address[1]
        for one in waiting:
            one.close()


def test_a_resolver_that_hangs_costs_no_more_than_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(2))
    began = time.monotonic()
    refused = fails(lambda: HttpClient().get_json("https://login.example/", Deadline(0.2)))
    assert isinstance(refused, causes.SlowResolver)
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    ("errno", "cause"),
    [
        (socket.EAI_NONAME, causes.UnknownName),
        (socket.EAI_AGAIN, causes.ResolverFailed),
        (socket.EAI_FAIL, causes.ResolverFailed),
    ],
)
def test_what_the_resolver_says(
    monkeypatch: pytest.MonkeyPatch, errno: int, cause: type[causes.NoAnswer]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(errno, "in the system's words")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    refused = fails(lambda: HttpClient().get_json("https://login.example/"))
    assert isinstance(refused, cause)
    assert "system's words" not in refused.detail


# --- TLS -----------------------------------------------------------------------------------------


INSPECTING = "Corp TLS Inspection CA"


@pytest.mark.parametrize(
    ("how", "trusted", "code", "said"),
    [
        ({"by": INSPECTING}, False, 20, f"not trusted here; it was issued by CN={INSPECTING}"),
        ({}, False, 18, "self-signed"),
        ({"days": -1}, True, 10, "expired"),
        ({"address": "127.0.0.2"}, True, 64, "another address"),
    ],
    ids=["inspecting proxy", "self-signed", "expired", "another host"],
)
def test_a_certificate_that_is_not_accepted_says_why_and_by_whom(
    tmp_path: Path, how: dict[str, object], trusted: bool, code: int, said: str
) -> None:
    made = signed(tmp_path, **how)  # type: ignore[arg-type]
    context = trusting(made) if trusted else None
    with TinyServer(lambda x: x.json({}), made) as server:
        refused = fails(lambda: HttpClient(context=context).get_json(server.url))
        assert server.requests == []
    assert isinstance(refused, causes.CertificateRefused)
    assert (refused.verify_code, said in refused.detail) == (code, True), refused.detail
    assert refused.detail.endswith(f"issued by CN={how.get('by') or 'server'}")


def test_the_companys_authority_is_believed_beside_the_systems(certificate: Path) -> None:
    with TinyServer(lambda x: x.json({}), certificate) as server:
        client = HttpClient(context=trusted_context(str(certificate)))
        assert client.get_json(server.url).status == 200
    assert trusted_context(str(certificate)).cert_store_stats()["x509_ca"] > 1


def test_a_proxy_that_looks_into_tls_is_named(tmp_path: Path) -> None:
    """CONNECT leads to a server that shows a certificate of the company's making."""
    made = signed(tmp_path, by=INSPECTING)
    with TinyServer(lambda x: x.json({}), made) as server, ConnectProxy() as proxy:
        client = HttpClient(proxy=proxy_from(proxy.url))
        refused = fails(lambda: client.get_json(server.url))
    assert isinstance(refused, causes.CertificateRefused)
    assert refused.detail.endswith(f"issued by CN={INSPECTING}")


def test_what_speaks_no_tls_is_told_as_such() -> None:
    with TinyServer(lambda x: x.json({})) as server:
        url = server.url.replace("http:", "https:")
        refused = fails(lambda: HttpClient().get_json(url, Deadline(2)))
    assert isinstance(refused, causes.TlsFailed | causes.BrokenOff)


def test_every_cause_has_a_word_of_its_own() -> None:
    kinds = {causes.UnknownName("h").kind, causes.TlsSilent("h").kind, causes.BrokenOff().kind}
    assert kinds == {"unknown_name", "tls_silent", "broken_off"}
