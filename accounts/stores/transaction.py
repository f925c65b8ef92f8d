"""django.db's `transaction` and `connection` for the database that holds the users.

A site's DATABASE_ROUTERS may place users elsewhere than in `default`. Identities, admin's history
and this app's tables are with them (check E044), so that a sign-in writes in one transaction.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.db import connections, router, transaction

from .outages import is_outage, lacks_table

logger = logging.getLogger("django.request")

_logged_at: dict[str, float] = {}


def database() -> str:
    """Its alias."""
    return router.db_for_write(get_user_model())


def atomic(*, savepoint: bool = True) -> transaction.Atomic:
    """As Django's."""
    return transaction.atomic(using=database(), savepoint=savepoint)


def on_commit(work: Callable[[], object], *, robust: bool = False) -> None:
    """As Django's; `robust`: an outage after the commit is one line in the log, no traceback."""
    transaction.on_commit(_tolerant(work) if robust else work, using=database(), robust=robust)


def set_rollback(rollback: bool) -> None:
    """As Django's."""
    transaction.set_rollback(rollback, using=database())


def _tolerant(work: Callable[[], object]) -> Callable[[], None]:
    @wraps(work)
    def attempt() -> None:
        try:
            work()
        except Exception as error:
            if not (is_outage(error) or lacks_table(error)):
                raise
            _log_once_a_minute(error)

    return attempt


def _log_once_a_minute(error: Exception) -> None:
    """One change has several such hooks, which fail for one reason."""
    reason, now = str(error).partition("\n")[0], time.monotonic()
    if now - _logged_at.get(reason, -60) >= 60:
        _logged_at.clear()
        _logged_at[reason] = now
        run = "Run: ./manage.py createcachetable"
        advice = run if lacks_table(error) else "See: ./manage.py doctor"
        logger.error("saved, but what follows a commit failed: %s. %s", reason, advice)


class _Connection:
    """As Django's: this thread's connection."""

    def __getattr__(self, name: str) -> Any:
        return getattr(connections[database()], name)


connection: Final[Any] = _Connection()
