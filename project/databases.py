"""The DATABASES entry: connections that are checked before use, with time-outs."""

from __future__ import annotations

from typing import Any, Final

from project.stores import SQLITE

# Options in DATABASE_URL take precedence, as in ?options=-c%20statement_timeout%3D0
_POSTGRESQL: Final = {
    "application_name": "staff-sign-in",
    "connect_timeout": 2,
    # A dead link is noticed within seconds instead of TCP's quarter of an hour.
    "keepalives_idle": 30,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "options": "-c statement_timeout=15s -c lock_timeout=5s"
    " -c idle_in_transaction_session_timeout=30s -c staff.direct=on",  # see postgresql/pooler.py
}
# Several workers write: one waits for the other instead of failing.
_SQLITE: Final = {
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
}


def database(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry with options for every connection."""
    options = _SQLITE if entry["ENGINE"] == SQLITE else _POSTGRESQL
    return {
        **entry,
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {**options, **entry.get("OPTIONS", {})},
    }
