"""The other half of doctor's session check, run by sessions.py in a process of its own.

It reads a session and a cache entry that the first process wrote, and writes one of each.
Questions come as JSON on standard input; the answer is one line of JSON, so that whatever
settings print is told apart from it.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Any, Final

from django.conf import settings
from django.core.cache import cache

from accounts.operate.doctor.environment import fingerprint

MARK: Final = "doctor-answer:"
FIELD: Final = "doctor"


def main() -> None:
    """Answer the one question; Django is set up."""
    question = json.loads(sys.stdin.read())
    sys.stdout.write(f"\n{MARK}{json.dumps(answer(question))}\n")


def answer(question: dict[str, str]) -> dict[str, Any]:
    """What this process sees of the other one's session and cache, and its own."""
    cache.set(question["cache_to_write"], question["token"], 60)
    return {
        "session": read_session(question["session"]),
        "cache": cache.get(question["cache_to_read"]),
        "written": write_session(question["token"]),
        "secret_key": fingerprint(settings.SECRET_KEY),
    }


def write_session(token: str) -> str:
    """A new session that holds the token; its key."""
    store = _store()
    store[FIELD] = token
    store.set_expiry(120)
    store.save()
    return str(store.session_key)


def read_session(key: str) -> Any:
    """The token that the session of this key holds, or None."""
    return _store(key).get(FIELD)


def end_session(key: str) -> None:
    """Leave nothing behind."""
    _store(key).delete(key)


def _store(key: str | None = None) -> Any:
    return import_module(settings.SESSION_ENGINE).SessionStore(key)
