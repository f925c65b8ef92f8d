"""Sessions in Redis: lifetimes, keys, conflicts, and what an outage does not do."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.core.cache import cache
from django.utils import timezone
from redis.exceptions import RedisError

from accounts.sessions.store import SessionStore
from tests.servers.redis import Redis

DATABASE = 0


def saved(**data: object) -> SessionStore:
    session = SessionStore()
    session.update(data)
    session.save()
    return session


def commands_of(redis_server: Redis) -> dict[str, int]:
    """How often each command was called so far, but for those of this look."""
    stats = redis_server.client(DATABASE).info("commandstats")
    counts = {name.removeprefix("cmdstat_"): int(stat["calls"]) for name, stat in stats.items()}
    return {
        n: c
        for n, c in counts.items()
        if n.split("|")[0] not in ("info", "select", "client", "hello")
    }


class Calls:
    """The commands that Redis gets meanwhile."""

    def __init__(self, redis_server: Redis) -> None:
        self._server = redis_server
        self.made: dict[str, int] = {}

    def __enter__(self) -> "Calls":
        self._before = commands_of(self._server)
        return self

    def __exit__(self, *_: object) -> None:
        now = commands_of(self._server).items()
        differences = {name: count - self._before.get(name, 0) for name, count in now}
        self.made = {name: count for name, count in differences.items() if count}


def test_a_session_comes_back() -> None:
    session = saved(colour="green")
    assert SessionStore(session.session_key)["colour"] == "green"


def test_redis_holds_nothing_that_its_reader_could_come_with(redis_server: Redis) -> None:
    session = SessionStore(saved(colour="green").session_key)
    session.cycle_key()
    session[SESSION_KEY] = "7"
    session.save()
    client: Any = redis_server.client(DATABASE)
    names = list(client.scan_iter())
    held = [*names, *(client.get(n) for n in names if client.type(n) == b"string")]
    held += [
        member for n in names if client.type(n) == b"zset" for member in client.zrange(n, 0, -1)
    ]
    assert len(held) == 4
    assert str(session.session_key).encode() not in b" ".join(held)


def test_it_ends_when_it_was_told_to(redis_server: Redis) -> None:
    session = SessionStore()
    session.set_expiry(timezone.now() + timedelta(hours=3))
    session.save()
    [name] = redis_server.client(DATABASE).keys("*session*")
    assert 3 * 3600 - 5 < redis_server.client(DATABASE).ttl(name) <= 3 * 3600


def test_a_session_that_ended_meanwhile_is_not_brought_back() -> None:
    session = saved(colour="green")
    SessionStore().delete(session.session_key)
    session["colour"] = "red"
    with pytest.raises(UpdateError):
        session.save()


def test_a_key_that_is_taken_is_not_overwritten() -> None:
    session = SessionStore(saved(colour="green").session_key)
    with pytest.raises(CreateError):
        session.save(must_create=True)


@pytest.mark.parametrize("key", ["", "short", "*" * 32, "a" * 31 + "\n", "A" * 32, "a" * 9000])
def test_redis_is_not_asked_for_what_is_no_key_of_ours(redis_server: Redis, key: str) -> None:
    with Calls(redis_server) as calls:
        assert SessionStore(key).get("colour") is None
    assert calls.made == {}


@pytest.mark.parametrize("junk", ["[1]", "not json", "\x80"])
def test_what_is_no_session_is_an_empty_one(redis_server: Redis, junk: str) -> None:
    key = saved().session_key
    [name] = redis_server.client(DATABASE).keys("*session*")
    redis_server.client(DATABASE).set(name, junk.encode("latin1"))
    session = SessionStore(key)
    assert session.is_empty() is False
    assert (dict(session.items()), session.session_key) == ({}, None)


def test_reading_and_saving_are_one_command_each(redis_server: Redis) -> None:
    key = saved(colour="green").session_key
    with Calls(redis_server) as calls:
        session = SessionStore(key)
        session["colour"] = "red"
        session.save()
    assert calls.made == {"get": 1, "set": 1}


def test_a_sign_in_renews_the_key_in_one_round_trip(redis_server: Redis) -> None:
    session = SessionStore(saved(colour="green").session_key)
    old = session.session_key
    with Calls(redis_server) as calls:
        session.cycle_key()
        session[SESSION_KEY] = "7"
        session.save()
    assert calls.made == {"get": 1, "set": 1, "del": 1, "zadd": 1, "expire": 1}
    assert SessionStore(session.session_key)["colour"] == "green"
    assert SessionStore(old).get("colour") is None


def test_a_sign_in_that_is_not_saved_leaves_the_session_as_it_was() -> None:
    key = saved(colour="green").session_key
    SessionStore(key).cycle_key()
    assert SessionStore(key)["colour"] == "green"


def test_signing_out_ends_both_keys_of_a_renewed_session() -> None:
    session = SessionStore(saved(colour="green").session_key)
    old = session.session_key
    session.cycle_key()
    session.flush()
    assert SessionStore(old).get("colour") is None
    assert session.session_key is None


@pytest.fixture
def away(redis_server: Redis) -> Iterator[Redis]:
    """Redis hangs."""
    yield redis_server
    redis_server.resume()


def test_a_new_session_is_written_once_and_its_cookie_is_sent(redis_server: Redis) -> None:
    session = SessionStore()
    session["colour"] = "green"
    with Calls(redis_server) as calls:
        session.save()
        assert session.modified  # what Django's middleware sends the cookie by
        session.save()
    assert calls.made == {"set": 1}
    session["colour"] = "red"
    session.save()
    assert SessionStore(session.session_key)["colour"] == "red"


def test_an_outage_raises_within_two_seconds_and_is_asked_once(away: Redis) -> None:
    session = SessionStore(saved(colour="green").session_key)
    away.pause()
    began = time.monotonic()
    for _attempt in range(3):
        with pytest.raises(RedisError):
            session.get("colour")
    assert time.monotonic() - began < 2
    assert session.session_key is not None


def test_an_idle_connection_costs_no_more_in_an_outage(away: Redis) -> None:
    """A health check is due first, and connects anew: none of these waits on its own."""
    key = saved().session_key
    pool = cache.client.get_client().connection_pool  # type: ignore[attr-defined]
    for connection in pool._available_connections:
        connection.next_health_check = 0.001
    away.pause()
    began = time.monotonic()
    with pytest.raises(RedisError):
        SessionStore(key).load()
    assert time.monotonic() - began < 2


def test_a_short_outage_is_not_noticed(redis_server: Redis) -> None:
    """The server has closed the connections: the retry opens a new one."""
    key = saved(colour="green").session_key
    redis_server.client(DATABASE).client_kill_filter(_type="normal", skipme=True)
    assert SessionStore(key)["colour"] == "green"
