"""Doctor compares itself with the processes that run."""

import os
import time
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from accounts.conf import conf
from accounts.operate.doctor.finding import Finding
from accounts.operate.doctor.probes import processes as probe
from accounts.process import processes
from accounts.stores.redis_cache import client_of
from tests.support.doctoring import by_id
from tests.support.operators import manage

OTHER_KEY = "of-a-process-that-was-started-with-another-key-0123456789-abcdefghij"


def told(*, age: float = 0.0, **changed: Any) -> None:
    """A process that was started with these settings has told of itself."""
    with override_settings(**changed):
        entry = processes.entry_of(processes.this_process(time.time()))
    processes.register(entry, time.time() - age)


def look() -> dict[str, Finding]:
    return by_id(probe.run())


@pytest.fixture(autouse=True)
def _nobody_else() -> None:
    client_of().delete(processes._key())


def test_a_process_with_the_same_settings_is_well() -> None:
    told()
    assert {id_: finding.level for id_, finding in look().items()} == {"processes.settings": "ok"}


def test_a_process_that_serves_is_registered_already() -> None:
    serve = """
from accounts.process import processes
processes.keep_registered()
print([process.pid for process in processes.running().readable])
import os
print([os.getpid()])
"""
    registered, this = manage("shell", "--verbosity", "0", "-c", serve).stdout.splitlines()
    assert registered == this


@pytest.mark.parametrize(("name", "value"), [
    ("MICROSOFT_CLIENT_SECRET", "another-secret"),
    ("TRUSTED_PROXY_COUNT", 3),
    ("MICROSOFT_ALLOWED_TENANTS", frozenset({"x"})),
])  # fmt: skip
def test_a_process_with_another_setting_is_named_without_its_value(name: str, value: Any) -> None:
    told(**{name: value})
    finding = look()["processes.settings"]
    assert finding.level == "error"
    assert f"has another {name}" in finding.title
    assert "Restart it" in finding.fix
    assert "another-secret" not in str(finding)


def test_what_is_published_holds_no_value() -> None:
    process = processes.this_process(time.time())
    assert settings.SECRET_KEY not in str(process)
    assert conf.MICROSOFT_CLIENT_SECRET not in str(process)


def test_a_process_with_another_key_is_named_by_it() -> None:
    old = settings.SECRET_KEY
    with override_settings(SECRET_KEY=OTHER_KEY, SECRET_KEY_FALLBACKS=[old]):
        told(SECRET_KEY=old)
        assert "another SECRET_KEY" in look()["processes.settings"].title


def test_processes_with_a_key_that_is_not_known_here_are_counted_and_named() -> None:
    told(SECRET_KEY=OTHER_KEY)
    finding = look()["processes.secret_key"]
    assert finding.level == "error"
    assert finding.title == "1 processes run with another SECRET_KEY than this command"
    assert f"{os.getpid()} on " in finding.detail
    assert "state_not_ours" in finding.shows_as


def test_a_process_of_that_kind_that_is_gone_counts_for_nothing() -> None:
    with override_settings(SECRET_KEY=OTHER_KEY):
        process = replace(processes.this_process(time.time()), pid=999_999_999)
        entry = processes.entry_of(process)
    processes.register(entry, time.time())
    assert set(look()) == {"processes.none"}


def test_without_redis_it_says_that_nothing_was_compared() -> None:
    entry = {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache"}
    with override_settings(CACHES={"default": entry}):
        finding = look()["processes.not_compared"]
    assert (finding.level, finding.group) == ("note", "processes")


def test_a_process_that_is_silent_or_gone_counts_for_nothing() -> None:
    told(age=processes.EXPIRY_SECONDS + 1)
    assert set(look()) == {"processes.none"}
