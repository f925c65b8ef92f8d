"""Doctor's second process: does it see what the first one wrote?"""

from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache

from accounts.operate.doctor.probes import sessions
from tests.fixtures import REDIS
from tests.support.doctoring import PER_PROCESS, bad, doctor, found, settings_with

pytestmark = pytest.mark.django_db(transaction=True)

NEW_KEY_EACH_TIME = """
import secrets
SECRET_KEY = secrets.token_urlsafe(64)
SESSION_ENGINE = "accounts.sessions.database"
"""
FILES = 'SESSION_ENGINE = "django.contrib.sessions.backends.file"'
COOKIES = 'SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"'
STOCK_CACHE = 'SESSION_ENGINE = "django.contrib.sessions.backends.cache"'
DUMMY = """
CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
SESSION_ENGINE = "django.contrib.sessions.backends.cache"
"""
IN_DATABASE = 'SESSION_ENGINE = "accounts.sessions.database"'


def by(document: dict[str, Any], id_: str) -> dict[str, Any]:
    return next(each for each in document["findings"] if each["id"] == id_)


def test_the_sites_own_sessions_are_shared() -> None:
    assert bad(sessions.run()) == set()


def test_nothing_is_left_behind() -> None:
    list(sessions.run())
    cache.clear()
    kept = [key for key in REDIS.client().keys("*") if b"session" in key]
    assert kept == []


def test_sessions_of_one_process_are_named_with_the_setting_that_mends_them(
    tmp_path: Path,
) -> None:
    document = doctor(**settings_with(tmp_path, PER_PROCESS))
    finding = by(document, "sessions.shared")
    assert document["exit"] == 1
    assert finding["level"] == "error"
    assert finding["title"] == "Sessions are not shared between processes"
    assert "LocMemCache" in finding["detail"]
    assert "REDIS_URL" in finding["fix"]
    assert finding["shows_as"] == ["session_not_found"]


@pytest.mark.parametrize(("lines", "expected"), [
    (DUMMY, {"accounts.E001", "sessions.shared", "sessions.cache_shared"}),
    (FILES, {"accounts.E020"}),
    (COOKIES, {"accounts.E021"}),
    (NEW_KEY_EACH_TIME, {"sessions.shared", "environment.secret_key_same"}),
])  # fmt: skip
def test_other_ways_to_lose_a_session_are_named(
    lines: str, expected: set[str], tmp_path: Path
) -> None:
    document = doctor(**settings_with(tmp_path, lines))
    assert {id_ for id_, level in found(document).items() if level == "error"} >= expected


@pytest.mark.parametrize("lines", [IN_DATABASE, STOCK_CACHE])
def test_stores_that_processes_share_are_well(lines: str, tmp_path: Path) -> None:
    document = doctor(**settings_with(tmp_path, lines))
    assert "sessions.shared" not in found(document)


def test_djangos_cache_sessions_are_a_warning(tmp_path: Path) -> None:
    document = doctor(**settings_with(tmp_path, STOCK_CACHE))
    assert found(document)["sessions.outage"] == "warning"


def test_settings_that_do_not_start_are_named(tmp_path: Path) -> None:
    lines = "import sys\nif sys.argv[0] == '-c': raise SystemExit('only for the first process')"
    document = doctor(**settings_with(tmp_path, lines))
    assert "only for the first process" in by(document, "sessions.second_process")["detail"]
