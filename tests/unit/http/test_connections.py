"""Connections to Microsoft: kept, warmed, verified; and a circuit that opens when it fails."""

from __future__ import annotations

import os
import ssl
import time
from typing import TYPE_CHECKING

import pytest

from accounts.http import causes
from accounts.http.breaker import PAUSE, Breaker
from accounts.http.client import HttpClient, get_client
from accounts.reasons import Refused
from tests.support.tiny_server import Exchange, TinyServer, eventually, fails, write_certificate

if TYPE_CHECKING:
    from pathlib import Path


def test_after_five_failures_nobody_is_sent_to_wait() -> None:
    with TinyServer(lambda x: x.json({}, 500)) as server:
        client = HttpClient()
        for _ in range(7):
            refused = fails(lambda: client.get_json(server.url))
        assert len(server.requests) == 5
    assert refused.detail.startswith("not asked")


def test_a_refusal_by_microsoft_is_an_answer_and_closes_the_circuit() -> None:
    statuses = iter([500, 500, 500, 500, 400, 500, 500, 500, 500, 200])
    with TinyServer(lambda x: x.json({}, next(statuses))) as server:
        client = HttpClient()
        for _ in range(9):
            try:
                client.get_json(server.url)
            except Refused:
                continue
        assert client.get_json(server.url).status == 200


def test_after_the_pause_one_probe_goes_through_and_decides() -> None:
    now = 0.0
    breaker = Breaker(lambda: now)
    for _ in range(5):
        breaker.failed()
    assert not breaker.admits()
    now = PAUSE
    assert (breaker.admits(), breaker.admits()) == (True, False)
    breaker.failed()
    assert not breaker.admits()
    now = 2 * PAUSE
    assert breaker.admits()
    breaker.succeeded()
    assert (breaker.admits(), breaker.admits()) == (True, True)


def test_failures_far_apart_do_not_open_the_circuit() -> None:
    now = 0.0
    breaker = Breaker(lambda: now)
    for _ in range(20):
        breaker.failed()
        now += 8
    assert breaker.admits()


def test_a_connection_is_kept_for_the_next_request() -> None:
    with TinyServer(lambda x: x.json({})) as server:
        client = HttpClient()
        for _ in range(3):
            client.get_json(server.url)
        assert server.connections == 1


def test_a_connection_that_was_closed_meanwhile_costs_nothing() -> None:
    def close(exchange: Exchange) -> None:
        exchange.json({})
        exchange.close_connection = True

    with TinyServer(close) as server:
        client = HttpClient()
        for _ in range(3):
            client.post_form(server.url, {})
            time.sleep(0.05)
        assert (server.connections, len(server.requests)) == (3, 3)


def test_a_get_is_repeated_once_when_the_connection_was_dead_and_a_post_is_not() -> None:
    with TinyServer(lambda x: x.raw(b"")) as server:
        client = HttpClient()
        fails(lambda: client.get_json(server.url))
        assert len(server.requests) == 2
        fails(lambda: client.post_form(server.url, {}))
        assert len(server.requests) == 3


def test_warming_opens_one_connection_that_the_request_then_uses() -> None:
    with TinyServer(lambda x: x.json({})) as server:
        client = HttpClient()
        client.warm(server.url)
        assert eventually(lambda: server.connections == 1)
        time.sleep(0.05)
        client.warm(server.url)
        time.sleep(0.05)
        client.get_json(server.url)
        assert server.connections == 1


def test_warming_works_over_tls_13_whose_tickets_look_like_a_closed_connection(
    tmp_path: Path,
) -> None:
    certificate = write_certificate(tmp_path)
    with TinyServer(lambda x: x.json({}), certificate) as server:
        client = HttpClient(context=trusting(certificate))
        client.warm(server.url)
        assert eventually(lambda: server.connections == 1)
        time.sleep(0.1)
        client.get_json(server.url)
        client.get_json(server.url)
        assert server.connections == 1


def test_warming_never_raises_nor_waits() -> None:
    began = time.monotonic()
    for url in ("http://127.0.0.1:1/", "nonsense", "http://elsewhere.example/"):
        HttpClient().warm(url)
    assert time.monotonic() - began < 0.5


def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


def test_a_certificate_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    with TinyServer(lambda x: x.json({}), write_certificate(tmp_path)) as server:
        refused = fails(lambda: HttpClient().get_json(server.url))
        assert server.requests == []
    assert refused.detail.startswith("TLS failed")


def test_a_certificate_for_another_name_is_refused(tmp_path: Path) -> None:
    certificate = write_certificate(tmp_path)
    with TinyServer(lambda x: x.json({}), certificate) as server:
        client = HttpClient(context=trusting(certificate))
        url = server.url.replace("127.0.0.1", "localhost")
        assert fails(lambda: client.get_json(url)).detail.startswith("TLS failed")


def test_a_host_that_does_not_exist_is_named_as_such() -> None:
    refused = fails(lambda: HttpClient().get_json("https://no-such-host.invalid/"))
    assert isinstance(refused, causes.UnknownName | causes.ResolverFailed)
    assert refused.reason.code == "microsoft_unreachable"
    assert "no-such-host.invalid" in refused.detail


def test_one_client_a_process() -> None:
    assert get_client() is get_client()


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_forked_child_has_a_client_of_its_own() -> None:
    parents = get_client()
    child = os.fork()
    if child == 0:
        os._exit(get_client() is parents)
    assert os.waitpid(child, 0)[1] == 0
