"""The cause of "state mismatch": is a session that one process writes read by another?

A second process is really started, with the same settings. Both write a session and read the
other's; the same for the cache, which marks used states.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.core.cache import cache

from accounts.operate.doctor import second_process as second
from accounts.operate.doctor.environment import SECRET_KEY_FINGERPRINT, fingerprint
from accounts.operate.doctor.finding import Finding, error, ok, warning

if TYPE_CHECKING:
    from collections.abc import Iterator

SHARED: Final = "sessions.shared"
CACHE_SHARED: Final = "sessions.cache_shared"
_SECONDS: Final = 30
# As manage.py does: set Django up first, then import what has models.
_PROGRAM: Final = f"import django; django.setup(); from {second.__name__} import main; main()"
_FIX: Final = (
    "Set REDIS_URL=redis://host:6379/0 to one Redis for all workers and instances, and leave"
    " SESSION_ENGINE and CACHES to project/settings.py."
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What each process read of what the other wrote."""

    session_by_second: bool
    session_by_first: bool
    cache_by_second: bool
    cache_by_first: bool
    same_secret_key: bool


class NotAnswered(Exception):
    """The second process ended without an answer; the message is the end of its errors."""


def look() -> Iterator[Finding]:
    """Start the second process and compare."""
    try:
        seen = exchange()
    except (NotAnswered, subprocess.TimeoutExpired, OSError) as problem:
        yield _not_started(problem)
        return
    yield _sessions(seen)
    yield _cache(seen)
    if str(settings.SESSION_ENGINE).endswith("backends.cache"):
        yield _outage()
    if not seen.same_secret_key:
        yield _secret_key()


def exchange() -> Seen:
    """Write here, read there; write there, read here; leave nothing behind."""
    token, name = secrets.token_hex(8), f"doctor:{secrets.token_hex(8)}"
    key = second.write_session(token)
    cache.set(f"{name}:1", token, 60)
    question = {"session": key, "token": token}
    names = {"cache_to_read": f"{name}:1", "cache_to_write": f"{name}:2"}
    answer = _ask(question | names)
    try:
        return Seen(
            session_by_second=answer["session"] == token,
            session_by_first=second.read_session(answer["written"]) == token,
            cache_by_second=answer["cache"] == token,
            cache_by_first=cache.get(f"{name}:2") == token,
            same_secret_key=answer["secret_key"] == fingerprint(settings.SECRET_KEY),
        )
    finally:
        second.end_session(key)
        second.end_session(answer["written"])


def _ask(question: dict[str, str]) -> dict[str, Any]:
    ended = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    for line in ended.stdout.splitlines():
        if line.startswith(second.MARK):
            answer: dict[str, Any] = json.loads(line.removeprefix(second.MARK))
            return answer
    last = (ended.stderr.strip().splitlines() or ["it said nothing"])[-1]
    raise NotAnswered(last[:300])


def store_name() -> str:
    """Where the settings keep sessions, for people."""
    engine = str(settings.SESSION_ENGINE)
    backend = settings.CACHES.get(settings.SESSION_CACHE_ALIAS, {}).get("BACKEND", "")
    if engine.endswith(("backends.cache", "redis_sessions")):
        return f"{engine} on {backend}"
    return engine


def is_in_database() -> bool:
    """Whether sessions can be looked at only while the database answers."""
    return str(settings.SESSION_ENGINE).endswith(("backends.db", "sessions.database"))


def _sessions(seen: Seen) -> Finding:
    if seen.session_by_second and seen.session_by_first:
        return ok(SHARED, "A second process reads our session, and we read its", store_name())
    return error(
        SHARED,
        "Sessions are not shared between processes",
        f"A session that one process writes is not found by another: they live in {store_name()}.",
        shows_as=("session_not_found",),
        fix=_FIX,
    )


def _cache(seen: Seen) -> Finding:
    if seen.cache_by_second and seen.cache_by_first:
        return ok(CACHE_SHARED, "The cache, which marks used states, is shared by processes")
    return error(
        CACHE_SHARED,
        "The cache is not shared between processes",
        f"CACHES['default'] is {settings.CACHES['default']['BACKEND']}: a used state could be used"
        " again by another worker, and a change of the app in admin is not seen.",
        shows_as=("several_apps", "not_configured"),
        fix=_FIX,
    )


def _outage() -> Finding:
    return warning(
        "sessions.outage",
        "An outage of the cache would sign everybody out",
        "Django's cache sessions take an unreachable store for an empty session, and delete the"
        " cookie of everyone who comes by.",
        shows_as=("cookie_not_sent",),
        fix='Set SESSION_ENGINE = "accounts.sessions.store", as project/settings.py does.',
    )


def _secret_key() -> Finding:
    return error(
        f"{SECRET_KEY_FINGERPRINT}_same",
        "SECRET_KEY differs from process to process",
        "The settings make a new one at each start, so no process reads what another has signed.",
        shows_as=("state_not_ours", "session_not_found"),
        fix="Set SECRET_KEY once in the environment of all instances and slots.",
    )


def _not_started(problem: Exception) -> Finding:
    return error(
        SHARED,
        "A second process could not be started with these settings",
        f"{type(problem).__name__}: {problem}",
        shows_as=("session_not_found",),
        fix="Start it by hand to see why: ./manage.py check",
    )
