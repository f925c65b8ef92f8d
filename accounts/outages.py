"""Which exceptions mean that Redis or the database is away."""

from __future__ import annotations

from typing import Final

from django.db import InterfaceError, OperationalError
from django_redis.exceptions import ConnectionInterrupted
from limits.errors import StorageError
from redis.exceptions import RedisError

STORE_ERRORS: Final = (RedisError, ConnectionInterrupted, StorageError)
DATABASE_ERRORS: Final = (OperationalError, InterfaceError)


def is_outage(error: BaseException | None) -> bool:
    """Whether waiting, not code, mends this."""
    return isinstance(error, STORE_ERRORS + DATABASE_ERRORS)
