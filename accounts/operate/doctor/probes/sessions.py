"""The cause of "state mismatch": can another process read a session that one has written?

A second process is started with the same settings. Each writes a session and reads the other's, and
likewise a key in the cache, which marks used states.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final

from django.conf import settings
from django.core.cache import cache

from ....app import dotted
from ....conf import is_a_host
from ..finding import Observation, fault, verdict
from .settings import fingerprint

_CACHED_DB: Final = "django.contrib.sessions.backends.cached_db"
_SECONDS: Final = 30
_MARK: Final = "doctor-answer:"  # the settings may print, too
_FIELD: Final = "doctor"
# As manage.py does: set Django up first, then import what has models.
_PROGRAM: Final = (
    f"import django; django.setup(); from {__name__} import answer_second; answer_second()"
)


class NotAnswered(Exception):
    """The second process ended without an answer; the message is its last line of errors."""


def run() -> Iterator[Observation]:
    """Starts the second process and compares."""
    try:
        is_session_shared, is_cache_shared, is_key_same = exchange()
    except (NotAnswered, subprocess.TimeoutExpired, OSError) as problem:
        cause = f"{type(problem).__name__}: {problem}"
        yield fault("sessions.second_process", cause=cause)
        return
    yield verdict("sessions.shared", is_session_shared, store=store_name())
    backend = settings.CACHES["default"]["BACKEND"]
    if is_cache_shared or not is_a_host():  # a host marks used states in the database
        yield verdict("sessions.cache_shared", is_cache_shared, backend=backend)
    if str(settings.SESSION_ENGINE).endswith("backends.cache"):
        engine = _CACHED_DB if is_a_host() else dotted("sessions.store")
        yield fault("sessions.outage", engine=engine)
    if not is_key_same:
        yield fault("environment.secret_key_same")


def exchange() -> tuple[bool, bool, bool]:
    """Whether both processes have the same sessions, cache and SECRET_KEY; leaves no sessions."""
    token, name = secrets.token_hex(8), f"doctor:{secrets.token_hex(8)}"
    key = _write(token)
    cache.set(f"{name}:1", token, 60)
    names = {"cache_to_read": f"{name}:1", "cache_to_write": f"{name}:2"}
    answer = _ask({"session": key, "token": token} | names)
    try:
        return (
            answer["session"] == token and _read(answer["written"]) == token,
            answer["cache"] == token and cache.get(f"{name}:2") == token,
            answer["secret_key"] == fingerprint(settings.SECRET_KEY),
        )
    finally:
        _store(key).delete(key)
        _store(answer["written"]).delete(answer["written"])


def answer_second() -> None:
    """In the second process: answer the question on standard input."""
    question = json.loads(sys.stdin.read())
    cache.set(question["cache_to_write"], question["token"], 60)
    answer = {
        "session": _read(question["session"]),
        "cache": cache.get(question["cache_to_read"]),
        "written": _write(question["token"]),
        "secret_key": fingerprint(settings.SECRET_KEY),
    }
    sys.stdout.write(f"\n{_MARK}{json.dumps(answer)}\n")


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
        if line.startswith(_MARK):
            answer: dict[str, Any] = json.loads(line.removeprefix(_MARK))
            return answer
    last = (ended.stderr.strip().splitlines() or ["no error output"])[-1]
    raise NotAnswered(last[:300])


def store_name() -> str:
    """Where the settings keep sessions, for a text."""
    engine = str(settings.SESSION_ENGINE)
    backend = settings.CACHES.get(settings.SESSION_CACHE_ALIAS, {}).get("BACKEND", "")
    if engine.endswith(("backends.cache", "sessions.store")):
        return f"{engine} on {backend}"
    return engine


def is_in_database() -> bool:
    """Whether sessions can be checked only while the database answers."""
    return str(settings.SESSION_ENGINE).endswith(("backends.db", "cached_db", "sessions.database"))


def _write(token: str) -> str:
    store = _store()
    store[_FIELD] = token
    store.set_expiry(120)
    store.save()
    return str(store.session_key)


def _read(key: str) -> Any:
    return _store(key).get(_FIELD)


def _store(key: str | None = None) -> Any:
    return import_module(settings.SESSION_ENGINE).SessionStore(key)
