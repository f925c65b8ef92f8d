"""Clocks: tokens and states are judged by time, so ours must agree with everyone else's."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from django.db import connection

from accounts.operate.doctor import redis
from accounts.operate.doctor.finding import Finding, error, ok, warning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WRONG: Final = 60.0  # seconds: tokens and states are refused beyond
_ODD: Final = 10.0
_FIX: Final = "Synchronise the clock of the machine that is wrong: timedatectl set-ntp true"


def of_redis() -> Iterator[Finding]:
    """This machine's clock against Redis's."""
    yield compare("redis", "Redis's clock", *_measured(_redis_time))


def of_database() -> Iterator[Finding]:
    """Against the database's, where that is a server with a clock of its own."""
    if connection.vendor == "postgresql":
        yield compare("database", "The database's clock", *_measured(_database_time))


def compare(what: str, name: str, theirs: float, ours: float) -> Finding:
    """`theirs` and `ours` are the same moment by two clocks, in seconds."""
    apart = theirs - ours
    id_ = f"clock.{what}"
    if abs(apart) <= _ODD:
        return ok(id_, f"{name} agrees with ours ({apart:+.1f} s)")
    ahead = "ahead of" if apart > 0 else "behind"
    title = f"{name} is {abs(apart):.0f} s {ahead} ours"
    if abs(apart) <= WRONG:
        detail = f"Up to {WRONG:.0f} s are tolerated."
        return warning(id_, title, detail, shows_as=("token_invalid",), fix=_FIX)
    detail = f"Beyond {WRONG:.0f} s, tokens look expired or not yet valid, and states too old."
    return error(id_, title, detail, shows_as=("token_invalid", "state_expired"), fix=_FIX)


def _measured(ask: Callable[[], float]) -> tuple[float, float]:
    """Their time, and ours in the middle of asking."""
    began = time.time()
    theirs = ask()
    return theirs, (began + time.time()) / 2


def _redis_time() -> float:
    seconds, micro = redis.client().time()
    return float(seconds) + float(micro) / 1e6


def _database_time() -> float:
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
        return float(cursor.fetchone()[0])
