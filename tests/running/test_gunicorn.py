"""gunicorn as it is configured: what its log keeps out, and whom it believes."""

import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.servers.environment import site_environment
from tests.servers.ports import LOOPBACK, free_port
from tests.servers.redis import Redis
from tests.servers.site import Site

CALLBACK = "/accounts/microsoft/login/callback/?code=SEKRIT&state=SEKRIT"


def environment(redis_server: Redis) -> dict[str, str]:
    """A deployed site's, without a database: none of this needs one."""
    env = site_environment(
        public_url="",
        database_url=f"postgres://nobody@{LOOPBACK}:{free_port()}/none",
        redis_url=redis_server.url,
        login_url="https://login.microsoftonline.com",
    )
    return {name: value for name, value in env.items() if value}


@pytest.fixture(scope="module")
def site(redis_server: Redis) -> Iterator[Site]:
    """Started as an operator's is, from an interpreter with nothing done yet."""
    with Site(environment(redis_server), forked=False) as started:
        yield started


def get(site: Site, path: str, **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(f"{site.url}{path}", headers=named)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return int(error.code)


def logged(site: Site, marked: str) -> dict[str, Any]:
    """The access log's line of the request with this user agent; every line is JSON."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:  # a line is written after the answer
        lines: list[dict[str, Any]] = [json.loads(line) for line in site.log().splitlines()]
        requests = [line for line in lines if line.get("event") == "request"]
        if found := [line for line in requests if line["user_agent"] == marked]:
            return found[0]
        time.sleep(0.05)
    raise AssertionError(f"no line of {marked}")


def test_no_query_reaches_the_access_log(site: Site) -> None:
    assert get(site, CALLBACK, User_Agent="query") == 400
    assert logged(site, "query")["message"] == "GET /accounts/microsoft/login/callback/ 400"
    assert "SEKRIT" not in site.log()


def test_no_referer_reaches_the_access_log(site: Site) -> None:
    get(site, "/healthz?x=1", User_Agent="referer", Referer=f"http://localhost{CALLBACK}")
    assert logged(site, "referer")["message"] == "GET /healthz 200"
    assert "SEKRIT" not in site.log()


@pytest.mark.parametrize("version", ["HTTP/9.9", "HTTP/1.1 x", "nonsense"])
def test_not_even_a_malformed_request_line_does(site: Site, version: str) -> None:
    with socket.create_connection((LOOPBACK, site.port), timeout=5) as connection:
        connection.sendall(f"GET {CALLBACK} {version}\r\nHost: x\r\n\r\n".encode())
        connection.recv(1000)
    assert "SEKRIT" not in site.log()


def test_gunicorn_believes_no_forwarded_header(site: Site) -> None:
    claims = {"X_Forwarded_For": "203.0.113.7", "X_Forwarded_Proto": "https"}
    assert get(site, "/accounts/microsoft/login/", User_Agent="claims", **claims) == 200
    assert logged(site, "claims")["client_ip"] == LOOPBACK


def test_the_log_tells_the_client_that_the_trusted_proxy_saw(redis_server: Redis) -> None:
    env = environment(redis_server) | {"TRUSTED_PROXY_COUNT": "1"}
    with Site(env, workers=1) as site:
        chain = "192.0.2.66, 203.0.113.7:4711"
        get(site, "/accounts/microsoft/login/", User_Agent="chain", X_Forwarded_For=chain)
        assert logged(site, "chain")["client_ip"] == "203.0.113.7"


def test_two_workers_serve(site: Site) -> None:
    assert len(site.workers()) == 2
