"""The HTTP client for Microsoft, against servers that misbehave."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.http import causes
from accounts.http.bulkhead import Bulkhead
from accounts.http.client import HttpClient
from accounts.http.deadline import Deadline, Helpers, SingleFlight, TimeUp, within
from accounts.reasons import Refused
from tests.support.tiny_server import Exchange, TinyServer, eventually, fails

if TYPE_CHECKING:
    from collections.abc import Callable


def get_from(script: Callable[[Exchange], None], seconds: float = 1.0) -> Refused:
    with TinyServer(script) as server:
        return fails(lambda: HttpClient().get_json(server.url, Deadline(seconds)))


def test_a_json_object_comes_back_with_its_status_and_time() -> None:
    with TinyServer(lambda x: x.json({"a": 1}, 400, Retry_After="3", X_Other="no")) as server:
        answer = HttpClient().get_json(server.url)
    assert (answer.status, answer.body) == (400, {"a": 1})
    assert answer.headers["Retry-After"] == "3"
    assert "X-Other" not in answer.headers
    assert 0 <= answer.elapsed_ms < 1000


def test_an_answer_does_not_show_its_body_for_that_may_be_a_token() -> None:
    with TinyServer(lambda x: x.json({"id_token": "secret"})) as server:
        assert "secret" not in repr(HttpClient().get_json(server.url))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("<html>", "not JSON"),
        ("[]", "not a JSON object"),
        ('{"a": 1, "a": 2}', "a key occurs twice"),
        ('{"a": NaN}', "NaN is not JSON"),
        ('{"a":' + "[" * 100_000, "not JSON"),
        ('{"a": ' + "9" * 5000 + "}", "not JSON"),
        ("", "empty"),
        ("\ufeffnull", "not a JSON object"),
    ],
)
def test_anything_but_one_unambiguous_json_object_is_refused(body: str, said: str) -> None:
    refused = get_from(lambda x: x.text(body))
    assert refused.reason.code == "microsoft_unreachable"
    assert said in refused.detail


def test_a_redirect_is_not_followed() -> None:
    with TinyServer(lambda x: x.json({})) as other:
        refused = get_from(lambda x: x.text("", 302, Location=other.url))
    assert (refused.reason.code, other.requests) == ("microsoft_unreachable", [])
    assert "302" in refused.detail


def test_a_server_error_is_microsoft_unreachable() -> None:
    refused = get_from(lambda x: x.json({}, 503))
    assert (refused.reason.code, refused.detail) == ("microsoft_unreachable", "HTTP 503")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), ("0", 1), ("99999", 3600), ("9" * 400, 60), ("soon", 60), ("\u00b2", 60)],
)
def test_throttling_says_when_to_come_back_within_an_hour(header: str, seconds: int) -> None:
    refused = get_from(lambda x: x.json({}, 429, Retry_After=header))
    assert (refused.reason.code, refused.retry_after) == ("microsoft_throttled", seconds)


def test_a_body_beyond_a_mebibyte_is_refused() -> None:
    assert "more than" in get_from(lambda x: x.text("{" + " " * 1_100_000 + "}")).detail


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_a_compressed_body_is_refused_for_it_was_not_asked_for(encoding: str) -> None:
    assert "encoding" in get_from(lambda x: x.text("{}", 200, Content_Encoding=encoding)).detail


def test_a_body_that_breaks_off_is_refused() -> None:
    script = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}"
    assert get_from(lambda x: x.raw(script)).detail == "the connection broke off"


def test_an_address_that_is_neither_https_nor_on_this_machine_is_never_asked() -> None:
    for url in ("http://login.example/", "ftp://x/", "https://a@b/", "https://x\\@y/", ""):
        assert fails(lambda u=url: HttpClient().get_json(u)).reason.code == "misconfigured"  # type: ignore[misc]


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=60), st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 "]))
def test_bytes_of_any_kind_end_as_a_refusal(noise: bytes, start: bytes) -> None:
    assert get_from(lambda x: x.raw(start + noise)).reason.code in (
        "microsoft_unreachable",
        "microsoft_throttled",
    )


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\n", b"X-Drip: 1\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{", b" "),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}", b" "),
        (b"", b""),
    ],
    ids=["status", "headers", "continue", "body", "chunks", "endless", "silence"],
)
def test_a_dripping_server_meets_the_total_budget(start: bytes, piece: bytes) -> None:
    began = time.monotonic()
    refused = get_from(lambda x: x.drip(start, piece), seconds=0.4)
    assert refused.reason.code == "microsoft_unreachable"
    assert 0.3 < time.monotonic() - began < 1.5


def test_a_tls_handshake_that_never_ends_meets_the_total_budget() -> None:
    with TinyServer(lambda x: x.json({})) as server:
        url = server.url.replace("http:", "https:")
        began = time.monotonic()
        refused = fails(lambda: HttpClient().get_json(url, Deadline(0.4)))
    assert refused.reason.code == "microsoft_unreachable"
    assert time.monotonic() - began < 1.5


def test_waiting_for_microsoft_is_summed_for_the_request() -> None:
    def slowly(exchange: Exchange) -> None:
        time.sleep(0.05)
        exchange.json({})

    deadline = Deadline(5)
    with TinyServer(slowly) as server:
        client = HttpClient()
        client.get_json(server.url, deadline)
        client.get_json(server.url, deadline)
    assert 100 <= deadline.waited_ms < 1000


def test_two_requests_share_one_deadline() -> None:
    def slowly(exchange: Exchange) -> None:
        time.sleep(0.4)
        exchange.json({})

    began, deadline = time.monotonic(), Deadline(0.6)
    with TinyServer(slowly) as server:
        client = HttpClient()
        client.get_json(server.url, deadline)
        refused = fails(lambda: client.get_json(server.url, deadline))
        assert isinstance(refused, causes.NoCompleteAnswer)
        assert isinstance(fails(lambda: client.get_json(server.url, deadline)), causes.NoTimeLeft)
    assert time.monotonic() - began < 1.0


def test_a_burst_waits_a_moment_for_a_slot() -> None:
    def slowly(exchange: Exchange) -> None:
        time.sleep(0.1)
        exchange.json({})

    with TinyServer(slowly) as server, ThreadPoolExecutor(4) as pool:
        client = HttpClient(slots=4)
        answers = list(pool.map(lambda _: client.get_json(server.url), range(4)))
    assert [answer.status for answer in answers] == [200] * 4


def test_who_finds_the_queue_full_is_told_at_once() -> None:
    bulkhead, leave = Bulkhead(1, queue=1, max_wait=0.5), threading.Event()

    def stay() -> None:
        with bulkhead.slot(Deadline(5)):
            leave.wait(5)

    def late() -> Refused:
        return fails(lambda: bulkhead.slot(Deadline(5)).__enter__())

    with ThreadPoolExecutor(2) as pool:
        inside = pool.submit(stay)
        assert eventually(lambda: bulkhead._slots._free == 0)
        queued = pool.submit(late)
        assert eventually(lambda: bulkhead._queue._free == 0)
        began = time.monotonic()
        assert late().detail == "too many waiting"
        assert time.monotonic() - began < 0.3
        assert queued.result().detail == "too many waiting"
        leave.set()
        inside.result()


def test_one_party_leaves_slots_for_the_others() -> None:
    bulkhead, held = Bulkhead(8, queue=0), ExitStack()

    def takes(party: str) -> int:
        """How many more slots the party gets."""
        for number in range(20):
            try:
                held.enter_context(bulkhead.slot(Deadline(5, party)))
            except causes.TooManyWaiting:
                return number
        return 20

    with held:
        assert [takes(party) for party in ("crowd", "second", "third", "fourth", "fifth")] == [
            4, 2, 1, 1, 0
        ]  # fmt: skip
    assert takes("crowd") == 4
    held.close()


def test_what_nobody_waits_for_takes_no_slot() -> None:
    bulkhead = Bulkhead(1, queue=0)
    with bulkhead.slot(Deadline(5)), bulkhead.slot(Deadline(5, None)):
        assert isinstance(fails(lambda: bulkhead.slot(Deadline(5)).__enter__()), Refused)


# --- the one mechanism -----------------------------------------------------------------------


def test_work_that_hangs_is_abandoned_and_left_behind() -> None:
    stop = threading.Event()
    began = time.monotonic()
    with pytest.raises(TimeUp):
        within(0.05, lambda: stop.wait(10), stop.set)
    assert time.monotonic() - began < 1
    assert stop.is_set()


def test_the_works_own_time_out_is_its_own() -> None:
    def work() -> None:
        raise TimeoutError("of the work")

    with pytest.raises(TimeoutError, match="of the work"):
        within(5, work)


def test_helper_threads_are_used_again() -> None:
    helpers = Helpers()
    names = {helpers.start(lambda: threading.current_thread().name).result(5)}
    for _ in range(20):
        time.sleep(0.002)
        names.add(helpers.start(lambda: threading.current_thread().name).result(5))
    assert helpers._threads <= 3


def test_at_the_limit_of_threads_work_waits_for_one_that_is_idle() -> None:
    helpers, go = Helpers(max_threads=1), threading.Event()
    first, second = helpers.start(lambda: go.wait(5)), helpers.start(lambda: "done")
    assert not second.done()
    go.set()
    assert (first.result(5), second.result(5)) == (True, "done")


def test_a_flight_is_shared_and_each_waits_in_their_own_time() -> None:
    go, flights = threading.Event(), []

    def fly() -> str:
        flights.append(1)
        go.wait(5)
        return "landed"

    flight = SingleFlight(fly)
    with pytest.raises(TimeUp):
        flight.result(0.02)
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(flight.result, 5) for _ in range(3)]
        go.set()
        assert {one.result() for one in waiting} == {"landed"}
    assert len(flights) == 1


def test_too_many_waiting_are_told_soon() -> None:
    go = threading.Event()

    def hold(exchange: Exchange) -> None:
        go.wait(5)
        exchange.json({})

    with TinyServer(hold) as server, ThreadPoolExecutor(2) as pool:
        client = HttpClient(slots=2)
        waiting = [pool.submit(client.get_json, server.url, Deadline(5, p)) for p in "ab"]
        assert eventually(lambda: len(server.requests) == 2)
        assert fails(lambda: client.get_json(server.url)).detail == "too many waiting"
        go.set()
        assert [one.result().status for one in waiting] == [200, 200]
