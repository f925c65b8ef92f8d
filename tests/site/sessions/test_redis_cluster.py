"""A real cluster of three: sessions, cache and throttles, whose keys lie on different nodes."""

from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth import SESSION_KEY
from django.core.cache import caches
from pytest_django import Settings

from accounts.models import User
from accounts.reasons import Refused
from accounts.sessions.entries import name_of
from accounts.sessions.index import sessions
from accounts.sessions.store import SessionStore
from accounts.stores.outages import STORE_ERRORS
from accounts.web import throttle
from project import redis_cache, stores
from tests.servers.redis_cluster import RedisCluster
from tests.servers.site import Site
from tests.support.visitor import Visitor


@pytest.fixture(scope="module")
def cluster() -> Iterator[RedisCluster]:
    with RedisCluster() as started:
        yield started


@pytest.fixture
def used(cluster: RedisCluster, settings: Settings) -> Iterator[RedisCluster]:
    settings.CACHES = {"default": redis_cache.cache(stores.redis(cluster.url), "http://testserver")}
    throttle._limiter.cache_clear()
    yield cluster
    caches["default"].clear()
    throttle._limiter.cache_clear()


def signed_in(user: str) -> SessionStore:
    session = SessionStore()
    session.save()
    session.cycle_key()
    session[SESSION_KEY] = user
    session.save()
    return session


def holds_one(keys: list[bytes], stored: list[SessionStore]) -> bool:
    """Whether one of these sessions is among a node's keys."""
    names = [name_of(one.session_key).encode() for one in stored]
    return any(name in key for name in names for key in keys)


def test_sessions_of_many_are_listed_and_ended(used: RedisCluster) -> None:
    stored = [signed_in(user) for user in ("7", "8", "9") for _ in range(8)]
    assert all(keys for keys in used.held()), "all on one node: nothing is shown"
    assert [SessionStore(one.session_key)[SESSION_KEY] for one in stored] == [
        user for user in ("7", "8", "9") for _ in range(8)
    ]
    assert len(list(sessions().all())) == 24
    assert len(sessions().of(8)) == sessions().end_all_of(8) == 8
    assert {one.user_id for one in sessions().all()} == {"7", "9"}
    stored[0].flush()
    assert len(sessions().of(7)) == 7


def test_the_cache_reads_and_writes_many_at_once(used: RedisCluster) -> None:
    cache = caches["default"]
    values = {f"day:{number}": number for number in range(40)}
    cache.set_many(values, timeout=60)
    assert cache.get_many([*values, "unknown"]) == values
    assert (cache.add("once", 1), cache.add("once", 1)) == (True, False)
    cache.delete_many(values)
    assert cache.get_many(values) == {}


def test_throttles_count(used: RedisCluster) -> None:
    for _ in range(throttle.BREAK_GLASS.item.amount):
        throttle.BREAK_GLASS.count("203.0.113.7")
    with pytest.raises(Refused, match="too_many_attempts"):
        throttle.BREAK_GLASS.count("203.0.113.7")
    throttle.BREAK_GLASS.forget("203.0.113.7")
    throttle.BREAK_GLASS.count("203.0.113.7")


@pytest.mark.django_db(transaction=True)
def test_people_sign_in_and_out(start_site: Callable[..., Site], cluster: RedisCluster) -> None:
    user = User.objects.create_user("staff@contoso.example", is_superuser=True)
    site = start_site(REDIS_URL=cluster.url)
    visitors = [Visitor(site.url) for _ in range(4)]
    assert [visitor.sign_in().status for visitor in visitors] == [302] * 4
    assert all(visitor.is_in() for visitor in visitors)
    visitors[0].sign_out()
    assert [visitor.is_in() for visitor in visitors] == [False, True, True, True]
    assert user.pk


def test_a_node_that_is_gone_is_an_outage_for_its_keys_alone(used: RedisCluster) -> None:
    """The others' people go on."""
    stored = [signed_in("0")]
    while not all(holds_one(keys, stored) for keys in used.held()):
        stored.append(signed_in(str(len(stored))))
    used.nodes[2].kill()
    answers: list[str] = []
    for session in stored:
        try:
            answers.append(SessionStore(session.session_key)[SESSION_KEY])
        except STORE_ERRORS:
            answers.append("away")
    used.nodes[2].start()
    used.wait_until_whole()
    assert "away" in answers
    assert set(answers) > {"away"}
    assert all(answer in ("away", str(number)) for number, answer in enumerate(answers))
