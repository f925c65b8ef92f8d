"""Clocks: tokens and states expire by time, so this machine's clock must agree with the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

from django.utils.translation import gettext_noop as noop

from ....stores.redis_cache import client_of
from ....stores.transaction import connection
from ..finding import Observation, fault, ok

_TOLERATED: Final = 60.0  # seconds of skew: beyond, tokens and states are refused
_USUAL: Final = 10.0


def of_redis() -> Iterator[Observation]:
    """This machine's clock against that of Redis."""
    yield compare("redis", noop("Redis's clock"), *_measured(_redis_time))


def of_database() -> Iterator[Observation]:
    """This machine's clock against that of PostgreSQL; SQLite has none of its own."""
    if connection.vendor == "postgresql":
        yield compare("database", noop("The database's clock"), *_measured(_database_time))


def compare(what: str, name: str, theirs: float, ours: float) -> Observation:
    """`theirs` and `ours` are the same moment by two clocks, in seconds."""
    apart = theirs - ours
    if abs(apart) <= _USUAL:
        return ok(f"clock.{what}", name=name, apart=f"{apart:+.1f}")
    id_ = f"clock.{what}" if abs(apart) > _TOLERATED else f"clock.{what}_drifts"
    side = noop("ahead of") if apart > 0 else noop("behind")
    return fault(id_, name=name, apart=f"{abs(apart):.0f}", side=side)


def _measured(ask: Callable[[], float]) -> tuple[float, float]:
    """Their time, and ours at the middle of the request."""
    began = time.time()
    theirs = ask()
    return theirs, (began + time.time()) / 2


def _redis_time() -> float:
    seconds, micro = client_of().time()
    return float(seconds) + float(micro) / 1e6


def _database_time() -> float:
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
        return float(cursor.fetchone()[0])
