"""Which exceptions mean that Redis or the database is unavailable, and the server's error code."""

from __future__ import annotations

from typing import Final

from django.db import DatabaseError, InterfaceError, OperationalError
from django_redis.exceptions import ConnectionInterrupted
from limits.errors import StorageError
from redis.exceptions import RedisClusterException, RedisError

from ..protection.redact import chain_of

STORE_ERRORS: Final = (RedisError, RedisClusterException, ConnectionInterrupted, StorageError)
_ACL_FAILURE: Final = "ACL failure in script: "  # NOPERM inside a script (Redis's script.c)
DATABASE_ERRORS: Final = (OperationalError, InterfaceError)


def is_outage(error: BaseException | None) -> bool:
    """Whether the error ends by itself, when the server is back."""
    return isinstance(error, STORE_ERRORS + DATABASE_ERRORS)


def lacks_table(error: BaseException) -> bool:
    """Whether a table is missing: PostgreSQL's 42P01, or SQLite, which has no codes for it."""
    is_missing = sqlstate(error) == "42P01" or "no such table" in str(error)
    return isinstance(error, DatabaseError) and is_missing


def redis_code(error: BaseException) -> str:
    """The code of Redis's error reply, such as READONLY or NOPERM; "" without one.

    Source: redis.io, "Redis serialization protocol specification", Simple errors.
    """
    for cause in chain_of(error):
        if isinstance(cause, RedisError):
            if _ACL_FAILURE in str(cause):
                return "NOPERM"
            code = getattr(cause, "status_code", None) or str(cause).partition(" ")[0]
            if code.isalpha() and code.isupper():
                return str(code)
    return ""


def sqlstate(error: BaseException) -> str:
    """PostgreSQL's error code, such as 25006 (its manual, appendix A); "" without one."""
    codes = (getattr(cause, "sqlstate", None) for cause in chain_of(error))
    return next((str(code) for code in codes if code), "")
