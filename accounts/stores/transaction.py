"""django.db's `transaction` and `connection` for the database that holds the users.

A site's DATABASE_ROUTERS may place users elsewhere than in `default`. Identities, admin's history
and this app's tables are with them (check E044), so that a sign-in writes in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.db import connections, router, transaction


def database() -> str:
    """Its alias."""
    return router.db_for_write(get_user_model())


def atomic(*, savepoint: bool = True) -> transaction.Atomic:
    """As Django's."""
    return transaction.atomic(using=database(), savepoint=savepoint)


def on_commit(work: Callable[[], object], *, robust: bool = False) -> None:
    """As Django's."""
    transaction.on_commit(work, using=database(), robust=robust)


def set_rollback(rollback: bool) -> None:
    """As Django's."""
    transaction.set_rollback(rollback, using=database())


class _Connection:
    """As Django's: this thread's connection."""

    def __getattr__(self, name: str) -> Any:
        return getattr(connections[database()], name)


connection: Final[Any] = _Connection()
