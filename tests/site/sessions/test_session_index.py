"""Who is signed in, and signing them out, in Redis and in the database."""

import time
from importlib import import_module

import pytest
from django.conf import settings as site
from django.contrib.auth import SESSION_KEY
from pytest_django import Settings

from accounts.sessions.entries import name_of
from accounts.sessions.index import sessions
from tests.servers.redis import Redis


@pytest.fixture(params=["redis", "database"])
def store(request: pytest.FixtureRequest, settings: Settings, db: None) -> str:
    if request.param == "database":
        settings.REDIS_URL = ""
        settings.SESSION_ENGINE = "accounts.sessions.database"
    return str(request.param)


def sign_in(user_id: str, **facts: str) -> str:
    """A session of this person; returns its key."""
    session = import_module(site.SESSION_ENGINE).SessionStore()
    session.cycle_key()
    session[SESSION_KEY] = user_id
    session.update(facts)
    session.save()
    return str(session.session_key)


@pytest.mark.usefixtures("store")
def test_a_persons_sessions_say_whose_and_from_where() -> None:
    key = sign_in("7", client_ip="203.0.113.7", user_agent="Fox", signed_in_at="2026-11-24T08:00Z")
    [found] = sessions().of(7)
    assert (found.name, found.user_id, found.client_ip) == (name_of(key), "7", "203.0.113.7")
    assert (found.user_agent, found.since and found.since.hour) == ("Fox", 8)


@pytest.mark.usefixtures("store")
def test_everyone_who_is_signed_in_is_listed_and_nobody_else() -> None:
    sign_in("7"), sign_in("7"), sign_in("8")
    anonymous = import_module(site.SESSION_ENGINE).SessionStore()
    anonymous["x"] = 1
    anonymous.save()
    assert sorted(found.user_id for found in sessions().all()) == ["7", "7", "8"]


@pytest.mark.usefixtures("store")
def test_ending_a_persons_sessions_leaves_everyone_elses() -> None:
    sign_in("7"), sign_in("7"), sign_in("8")
    assert sessions().end_all_of(7) == 2
    assert [found.user_id for found in sessions().all()] == ["8"]
    assert sessions().end_all_of(7) == 0


@pytest.mark.usefixtures("store")
def test_one_session_can_be_ended() -> None:
    first, second = sign_in("7"), sign_in("7")
    assert sessions().end(name_of(first)) == 1
    assert sessions().end(name_of(first)) == 0
    assert [found.name for found in sessions().of(7)] == [name_of(second)]


@pytest.mark.usefixtures("store")
def test_a_session_is_named_without_its_key() -> None:
    key = sign_in("7")
    [found] = sessions().of(7)
    assert (key in repr(found), found.handle in key, len(found.handle)) == (False, False, 12)


def test_one_person_among_ten_thousand_is_signed_out_at_once(redis_server: Redis) -> None:
    client = redis_server.client()
    with client.pipeline(transaction=False) as pipe:
        for number in range(10_000):
            pipe.set(f"staff:testserver:1:session:{number:040}", "of someone else", ex=600)
        pipe.execute()
    sign_in("7"), sign_in("7")
    began = time.perf_counter()
    assert sessions().end_all_of(7) == 2
    assert time.perf_counter() - began < 0.05
