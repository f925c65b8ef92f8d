"""A store that fails over behind one name: whoever comes next is served by its successor."""

from collections.abc import Iterator

import pytest
from django.core.cache import caches
from django.db import OperationalError, connection, connections
from pytest_django import Settings

from accounts.models import User
from accounts.sessions.store import SessionStore
from accounts.web import throttle
from project import redis_cache, stores
from tests.servers.ports import LOOPBACK
from tests.servers.postgres import Postgres
from tests.servers.redis import Redis
from tests.servers.relay import Relay


@pytest.fixture
def name(settings: Settings) -> Iterator[Relay]:
    """The site's Redis by a name that leads to a master; `fail_over` is yet to come."""
    with Redis() as master, Relay(master.port) as name:
        url = f"redis://{LOOPBACK}:{name.port}/0"
        settings.CACHES = {"default": redis_cache.cache(stores.redis(url), "http://testserver")}
        throttle._limiter.cache_clear()
        yield name
        throttle._limiter.cache_clear()


def fail_over(name: Relay, successor: Redis) -> None:
    """The master lives on as a replica, with its connections."""
    Redis(port=name.target).client().replicaof(LOOPBACK, str(successor.port))
    name.target = successor.port


def test_redis_fails_over_and_nothing_is_noticed(name: Relay, redis_server: Redis) -> None:
    cache = caches["default"]
    session = SessionStore()
    session["colour"] = "green"
    session.save()
    cache.set("x", 1)
    throttle.STARTS.count("203.0.113.7")
    with Redis() as successor:
        fail_over(name, successor)
        throttle.STARTS.count("203.0.113.7")
        cache.set("x", 2)
        assert (cache.get("x"), cache.add("y", 1)) == (2, True)
        new = SessionStore()
        new["colour"] = "red"
        new.save()
        assert SessionStore(new.session_key)["colour"] == "red"
        assert len(successor.client().keys()) == 4


def read_only(server: Postgres, state: str) -> None:
    """As a standby answers, and a server whose disk is full: the connections stay."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET default_transaction_read_only = {state}")


@pytest.mark.django_db(transaction=True)
def test_a_postgresql_that_takes_no_writes_is_an_outage_and_asked_once(postgres: Postgres) -> None:
    User.objects.count()
    read_only(postgres, "on")
    with pytest.raises(OperationalError):
        User.objects.create_user("staff@contoso.example")
    next_request()
    User.objects.create_user("staff@contoso.example")


@pytest.mark.django_db(transaction=True)
def test_a_postgresql_that_says_it_is_a_standby_is_left_before_it_is_asked(
    postgres: Postgres,
) -> None:
    User.objects.count()
    read_only(postgres, "on")
    next_request()
    User.objects.create_user("staff@contoso.example")


def next_request() -> None:
    """What Django does between two requests of a thread."""
    for each in connections.all():
        each.close_if_unusable_or_obsolete()
