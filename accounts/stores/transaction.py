"""django.db.transaction in the database that people are in.

A site's DATABASE_ROUTERS may have users elsewhere than in `default`. Identities, admin's history
and this app's tables are with them (check E044): what a sign-in writes is one transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.contrib.auth import get_user_model
from django.db import connections, router, transaction

if TYPE_CHECKING:
    from collections.abc import Callable


def database() -> str:
    """Its alias."""
    return router.db_for_write(get_user_model())


def get_connection() -> Any:
    """This thread's connection to it."""
    return connections[database()]


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
    """As django.db.connection."""

    def __getattr__(self, name: str) -> Any:
        return getattr(get_connection(), name)


connection: Final[Any] = _Connection()
