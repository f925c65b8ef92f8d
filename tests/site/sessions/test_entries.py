"""A session in a store that others read and write: sealed, for one name, until its end."""

import logging
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.conf import settings as site
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import override_settings
from django.utils import timezone
from pytest_django import Settings

from accounts.protection import sealed
from accounts.sessions.entries import name_of, opened_entry, sealed_entry
from accounts.sessions.index import sessions
from accounts.sessions.store import cache_key

OLD, NEW = site.SECRET_KEY, "another-secret-key-" * 4


@pytest.fixture(params=["store", "database"])
def store(request: pytest.FixtureRequest, settings: Settings, db: None) -> str:
    """The name of the store's module; where sessions are."""
    settings.SESSION_ENGINE = f"accounts.sessions.{request.param}"
    if request.param == "database":
        settings.REDIS_URL = ""
    return str(request.param)


def session(key: str | None = None) -> Any:
    return import_module(site.SESSION_ENGINE).SessionStore(key)


def signed_in(user_id: str = "7", lives: timedelta = timedelta(hours=8)) -> str:
    made = session()
    made[SESSION_KEY] = user_id
    made.set_expiry(timezone.now() + lives)
    made.save()
    return str(made.session_key)


def held(store: str, key: str) -> str:
    if store == "store":
        return str(cache.get(cache_key(name_of(key))))
    return Session.objects.get(pk=name_of(key)).session_data


def plant(store: str, key: str, entry: str) -> None:
    """What a writer of the store does, which takes the end off, too."""
    if store == "store":
        cache.set(cache_key(name_of(key)), entry, timeout=None)
        return
    later = timezone.now() + timedelta(days=900)
    Session.objects.update_or_create(
        pk=name_of(key), defaults={"session_data": entry, "expire_date": later}
    )


def made_up(victim: str, mine: str) -> str:
    return '{"_auth_user_id": "1", "_auth_user_backend": "accounts.web.backends.MicrosoftBackend"}'


def from_another_site(victim: str, mine: str) -> str:
    with override_settings(SECRET_KEY=NEW):
        return sealed_entry(name_of(mine), {SESSION_KEY: "1"})


def sealed_for_something_else(victim: str, mine: str) -> str:
    return sealed.seal("metadata", {SESSION_KEY: "1"})


PLANTED: list[Callable[[str, str], str]] = [
    made_up,
    from_another_site,
    sealed_for_something_else,
    lambda victim, mine: victim,  # the victim's own, under the attacker's name
    lambda victim, mine: victim[:-3],
    lambda victim, mine: "",
]


@pytest.mark.parametrize("planted", PLANTED)
def test_what_a_writer_of_the_store_plants_is_nobody(
    store: str, planted: Callable[[str, str], str], caplog: pytest.LogCaptureFixture
) -> None:
    victim, mine = signed_in("1"), signed_in("666")
    plant(store, mine, planted(held(store, victim), mine))
    with caplog.at_level(logging.WARNING):
        found = session(mine)
        assert (found.get(SESSION_KEY), found.session_key) == (None, None)
        assert [each.user_id for each in sessions().all()] == ["1"]
    told = [vars(record) for record in caplog.records]
    assert {"session_not_ours"} == {line["event"] for line in told}
    assert {name_of(mine)[:12]} == {line["handle"] for line in told}
    assert session(victim)[SESSION_KEY] == "1"


def test_a_session_that_is_over_stays_so_whatever_the_store_says(store: str) -> None:
    key = signed_in(lives=timedelta(seconds=-1))
    entry = sealed_entry(
        name_of(key),
        {
            SESSION_KEY: "7",
            "_session_expiry": (timezone.now() - timedelta(seconds=1)).isoformat(),
        },
    )
    plant(store, key, entry)
    assert session(key).get(SESSION_KEY) is None


def test_a_former_secret_key_still_opens_sessions(store: str) -> None:
    key = signed_in()
    with override_settings(SECRET_KEY=NEW, SECRET_KEY_FALLBACKS=[OLD]):
        assert session(key)[SESSION_KEY] == "7"
    with override_settings(SECRET_KEY=NEW, SECRET_KEY_FALLBACKS=[]):
        assert session(key).get(SESSION_KEY) is None
    assert session(key)[SESSION_KEY] == "7"  # who does not know its key yet has not ended it


def test_a_store_holds_no_cookie(store: str) -> None:
    key = signed_in()
    assert key not in held(store, key)
    assert key not in name_of(key)
    assert not Session.objects.filter(pk=key).exists()


def test_a_session_is_saved_renewed_and_ended_under_its_hash(store: str) -> None:
    made = session(signed_in())
    first = made.session_key
    made["colour"] = "green"
    made.save()
    made.cycle_key()
    made.save()
    assert session(made.session_key)["colour"] == "green"
    assert session(first).get("colour") is None
    made.flush()
    assert not list(sessions().all())


@pytest.mark.parametrize("text", [None, 7, b"x", "", "x", "a:b:c", ".eJw:1:x", {"a": 1}, "\0" * 99])
def test_whatever_is_found_it_is_no_session(text: object) -> None:
    assert opened_entry("0" * 40, text) is None


def test_what_is_sealed_opens_for_its_purpose_alone() -> None:
    text = sealed.seal("a", {"x": [1, "ü"]})
    assert sealed.unseal("a", text) == {"x": [1, "ü"]}
    with pytest.raises(sealed.NotSealed):
        sealed.unseal("b", text)
