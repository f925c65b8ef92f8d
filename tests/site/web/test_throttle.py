"""Limits on attempts: counted in Redis, for all processes, by what nobody can choose freely."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from django.test import RequestFactory
from limits import RateLimitItemPerMinute, RateLimitItemPerSecond

from accounts.models import SignIn, User
from accounts.reasons import Refused
from accounts.web import refusal, request_facts, throttle
from accounts.web.request_facts import network_of
from tests.fixtures import ENVIRONMENT
from tests.servers import forked
from tests.servers.process import clean_environment
from tests.servers.redis import Redis

if TYPE_CHECKING:
    from collections.abc import Callable

THREE = throttle.Limit(RateLimitItemPerMinute(3), "test")
ELSEWHERE = """
from limits import RateLimitItemPerMinute
from accounts.reasons import Refused
from accounts.web.throttle import Limit
try:
    Limit(RateLimitItemPerMinute(3), "test").count("a")
except Refused as refused:
    print(refused.reason.code)
"""


def attempts(who: str, times: int, purpose: str = "test") -> list[str]:
    """The reason code of each attempt, or ""."""
    return [_attempt(who, purpose) for _ in range(times)]


def _attempt(who: str, purpose: str) -> str:
    try:
        throttle.Limit(THREE.item, purpose).count(who)
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
        THREE.count("someone@contoso.example")
    assert 1 <= (raised.value.retry_after or 0) <= 60
    assert "someone" not in raised.value.detail


def test_nobody_is_told_to_come_again_in_no_time() -> None:
    one = throttle.Limit(RateLimitItemPerSecond(1), "test")
    one.count("a")
    with pytest.raises(Refused) as raised:
        one.count("a")
    assert raised.value.retry_after == 1


def test_a_success_starts_counting_afresh() -> None:
    attempts("a", 3)
    THREE.forget("a")
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
    shell = ("manage.py", "shell", "--no-imports", "-c", ELSEWHERE)
    done = forked.run(*shell, env=clean_environment(**ENVIRONMENT))
    assert done.stdout.strip() == "too_many_attempts", done.stderr


def test_of_a_flood_one_row_a_minute_is_worth_keeping() -> None:
    assert [throttle.THROTTLED_ROWS.hit("127.0.0.1") for _ in range(3)] == [True, False, False]
    assert throttle.THROTTLED_ROWS.hit("127.0.0.2")


# --- whose attempts --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "counts_as"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:0DB8:0001:0002::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("", ""),
        ("no address", "no address"),
    ],
)
def test_what_counts_as_one_client(address: str, counts_as: str) -> None:
    assert network_of(address) == counts_as


# --- counted before --------------------------------------------------------------------------


def redeemed(counted: throttle.CountedBefore, *, good: bool, reached: list[bool]) -> str:
    try:
        with counted.attempt("a", lambda error: isinstance(error, ValueError)):
            reached.append(good)
            if not good:
                raise ValueError
    except Refused as refused:
        return refused.reason.code
    except ValueError:
        return "failed"
    return ""


def test_failures_that_go_on_at_once_get_no_further_than_the_limit() -> None:
    counted, reached = throttle.CountedBefore(THREE), list[bool]()
    with ThreadPoolExecutor(8) as pool:
        ends = list(pool.map(lambda _: redeemed(counted, good=False, reached=reached), range(24)))
    assert len(reached) == ends.count("failed") == 3
    assert ends.count("too_many_attempts") == 21


def test_what_ends_well_counts_against_nobody() -> None:
    counted, reached = throttle.CountedBefore(THREE), list[bool]()
    assert {redeemed(counted, good=True, reached=reached) for _ in range(10)} == {""}
    assert [redeemed(counted, good=False, reached=reached) for _ in range(4)] == [
        "failed", "failed", "failed", "too_many_attempts",
    ]  # fmt: skip


def test_an_outage_counts_against_nobody() -> None:
    counted = throttle.CountedBefore(THREE)
    for _ in range(10):
        with pytest.raises(KeyError), counted.attempt("a", lambda error: False):
            raise KeyError


# --- someone who can write to Redis ----------------------------------------------------------


def plant_for_ever(redis: Redis, name: bytes) -> None:
    redis.client().set(name, 10**9)


def plant_for_a_year(redis: Redis, name: bytes) -> None:
    redis.client().set(name, 10**9, ex=365 * 86_400)


def plant_a_list(redis: Redis, name: bytes) -> None:
    redis.client().delete(name)
    redis.client().rpush(name, "x")


def plant_a_word(redis: Redis, name: bytes) -> None:
    redis.client().set(name, "many")


@pytest.mark.parametrize("plant", [plant_for_ever, plant_for_a_year, plant_a_list, plant_a_word])
def test_a_planted_count_keeps_nobody_out(
    redis_server: Redis, plant: Callable[[Redis, bytes], None]
) -> None:
    attempts("a", 1)
    (name,) = [n for n in redis_server.client().scan_iter("*throttle*") if b"test" in n]
    plant(redis_server, name)
    assert attempts("a", 4) == ["", "", "", "too_many_attempts"]


# --- rows ------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_rows_of_outsiders_have_a_cap_and_one_row_says_how_many_were_not_kept(
    rf: RequestFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "ROWS_OF_OUTSIDERS", RateLimitItemPerMinute(5, 10))
    for number in range(14):
        request = rf.get("/", REMOTE_ADDR=f"203.0.113.{number}")
        attempt = request_facts.attempt_of(request)
        refusal.refuse(request, attempt, Refused("state_not_ours"))
    assert SignIn.objects.filter(reason="state_not_ours").count() == 5
    (row,) = SignIn.objects.filter(reason="too_many_attempts")
    assert row.detail.startswith("rows: at least 8 more attempts by outsiders")
    user = User.objects.create_user("staff@contoso.example")
    known = Refused("user_not_staff", user_id=user.pk)
    refusal.refuse(request, request_facts.attempt_of(request), known)
    assert SignIn.objects.filter(reason="user_not_staff").count() == 1
