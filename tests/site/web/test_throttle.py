"""Limits on attempts: counted in Redis, for all processes, by what nobody can choose freely."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from limits import RateLimitItemPerMinute, RateLimitItemPerSecond

from accounts.reasons import Refused
from accounts.web import throttle
from tests.servers.redis import Redis

THREE = RateLimitItemPerMinute(3)


def attempts(who: str, times: int, purpose: str = "test") -> list[str]:
    """The reason code of each attempt, or ""."""
    return [_attempt(who, purpose) for _ in range(times)]


def _attempt(who: str, purpose: str) -> str:
    try:
        throttle.count(THREE, purpose, who)
    except Refused as refused:
        return refused.reason.code
    return ""


def test_the_limit_lets_so_many_pass_and_no_more() -> None:
    assert attempts("a", 5) == ["", "", "", "too_many_attempts", "too_many_attempts"]


def test_nobodys_attempts_count_against_another() -> None:
    attempts("a", 5)
    assert attempts("b", 1) == [""]
    assert attempts("a", 1, purpose="other") == [""]


def test_a_refusal_says_when_to_come_again_and_not_who() -> None:
    attempts("someone@contoso.example", 3)
    with pytest.raises(Refused) as raised:
        throttle.count(THREE, "test", "someone@contoso.example")
    assert 1 <= (raised.value.retry_after or 0) <= 60
    assert "someone" not in raised.value.detail


def test_nobody_is_told_to_come_again_in_no_time() -> None:
    one = RateLimitItemPerSecond(1)
    throttle.count(one, "test", "a")
    with pytest.raises(Refused) as raised:
        throttle.count(one, "test", "a")
    assert raised.value.retry_after == 1


def test_a_success_starts_counting_afresh() -> None:
    attempts("a", 3)
    throttle.forget(THREE, "test", "a")
    assert attempts("a", 1) == [""]


def test_letters_case_makes_nobody_another() -> None:
    assert attempts("A@Contoso.Example", 3) + attempts("a@contoso.example", 1) == [
        "", "", "", "too_many_attempts",
    ]  # fmt: skip


@pytest.mark.parametrize("who", ["", "\0", "\ud800", "a" * 100_000, "a:b/c *?"])
def test_any_name_can_be_counted(who: str) -> None:
    assert attempts(who, 4)[-1] == "too_many_attempts"


def test_no_name_stands_in_redis(redis_server: Redis) -> None:
    attempts("someone@contoso.example", 1)
    names = list(redis_server.client().scan_iter("*throttle*"))
    assert names
    assert not [name for name in names if b"someone" in name]


def test_many_threads_share_one_count() -> None:
    with ThreadPoolExecutor(8) as pool:
        reasons = list(pool.map(lambda _: _attempt("a", "test"), range(24)))
    assert reasons.count("") == 3


def test_another_process_counts_on() -> None:
    attempts("a", 3)
    elsewhere = (
        "import django; django.setup()\n"
        "from tests.site.web.test_throttle import attempts\n"
        "print(attempts('a', 1))"
    )
    command = [sys.executable, "-c", elsewhere]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "['too_many_attempts']"


def test_of_a_flood_one_row_a_minute_is_worth_keeping() -> None:
    assert [throttle.worth_a_row("127.0.0.1") for _ in range(3)] == [True, False, False]
    assert throttle.worth_a_row("127.0.0.2")
