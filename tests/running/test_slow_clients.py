"""A hundred clients that take their time, and people who do not notice.

`make test ARGS="tests/running/test_slow_clients.py -s"` prints what it measured.
"""

import socket
import statistics
import time
from collections.abc import Callable, Iterator

import pytest
import requests

from tests.running.test_gunicorn import environment
from tests.servers.ports import LOOPBACK
from tests.servers.redis import Redis
from tests.servers.site import Site
from tests.support.slow import KINDS, LARGE, SlowClients

HEALTHY = 1.0
ROUNDS = 60


@pytest.fixture(scope="module")
def site(redis_server: Redis) -> Iterator[Site]:
    with Site(environment(redis_server), workers=1) as started:
        yield started


def p95(site: Site, between: Callable[[], None]) -> float:
    taken = []
    with requests.Session() as person:
        for number in range(ROUNDS):
            path = ("/healthz", "/accounts/microsoft/login/", "/static/admin/css/base.css")[
                number % 3
            ]
            began = time.monotonic()
            answer = person.get(site.url + path, timeout=20)
            taken.append(time.monotonic() - began)
            assert answer.status_code == 200
            if number % 10 == 0:
                between()
    return statistics.quantiles(taken, n=20)[-1]


@pytest.mark.parametrize(
    "kinds",
    [KINDS, *((kind,) for kind in KINDS)],
    ids=lambda k: k[0].__name__ if len(k) == 1 else "all",
)
def test_a_hundred_slow_clients_cost_nobody_a_second(
    site: Site, kinds: tuple[Callable[[socket.socket], None], ...]
) -> None:
    with SlowClients(site.port, 100, kinds) as slow:
        measured = p95(site, slow.drip)
    print(f"\n{measured * 1000:.0f} ms")
    assert measured < HEALTHY


def talk(site: Site, *sent: bytes, pause: float = 0.0) -> bytes:
    """All that the site answers on one connection, until it closes it."""
    answer = b""
    with socket.create_connection((LOOPBACK, site.port), timeout=15) as connection:
        for piece in sent:
            connection.sendall(piece)
            time.sleep(pause)
        while data := connection.recv(65536):
            answer += data
    return answer


CLOSE = b"Host: localhost\r\nConnection: close\r\n\r\n"


def test_a_request_in_pieces_is_answered(site: Site) -> None:
    answer = talk(site, b"GET /heal", b"thz HTTP/1.1\r\n", CLOSE, pause=0.05)
    assert (answer[:12], b"ok\n" in answer) == (b"HTTP/1.1 200", True)


def test_two_requests_in_one_piece_are_answered_in_turn(site: Site) -> None:
    answer = talk(
        site, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /x HTTP/1.1\r\n" + CLOSE
    )
    lines = [line for line in answer.split(b"\r\n") if line.startswith(b"HTTP")]
    assert lines == [b"HTTP/1.1 200 OK", b"HTTP/1.1 404 Not Found"]


def test_a_body_that_waits_to_be_asked_for_is(site: Site) -> None:
    head = b"POST /nothing HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n" + CLOSE
    answer = talk(site, head, b"abc", pause=0.2)
    assert answer.startswith(b"HTTP/1.1 100 Continue")
    assert b"\r\n\r\nHTTP/1.1 4" in answer


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET /" + b"x" * 70_000, b"431"),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n" + CLOSE, b"413"),
        (b"GET / HTTP/1.1\r\nX-Long: " + b"x" * 9000 + b"\r\n" + CLOSE, b"431"),
    ],
)
def test_what_is_too_much_is_refused_in_words(site: Site, sent: bytes, status: bytes) -> None:
    answer = talk(site, sent)
    assert answer.split()[1] == status
    assert len(answer.partition(b"\r\n\r\n")[2]) > 10


def test_a_request_that_does_not_come_to_its_end_is_told_so(site: Site) -> None:
    began = time.monotonic()
    assert talk(site, b"GET /healthz HTTP/1.1\r\nHost:").split()[1] == b"408"
    assert time.monotonic() - began < 13


def test_a_large_answer_arrives_whole_at_a_slow_reader(site: Site) -> None:
    want = requests.get(site.url + LARGE, timeout=10).content
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect((LOOPBACK, site.port))
        connection.sendall(f"GET {LARGE} HTTP/1.1\r\n".encode() + CLOSE)
        got = b""
        while data := connection.recv(20_000):
            got += data
            time.sleep(0.01)
    assert got.partition(b"\r\n\r\n")[2] == want


def test_more_connections_than_it_takes_make_room_for_people(site: Site) -> None:
    with SlowClients(site.port, 560):
        assert p95(site, lambda: None) < HEALTHY
