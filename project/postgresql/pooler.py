"""Time-outs behind PgBouncer (also Azure's built-in one), which keeps no connection settings.

It refuses the start-up parameter `options`, or drops it silently; and with transaction pooling a
SET would affect other clients. So each statement sets its time-outs in the same message, which
makes them one transaction and leaves nothing behind.
(Source: pgbouncer.org, "Config", ignore_startup_parameters, and "Features", SQL feature map.)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Self

import psycopg
from django.db.backends.postgresql import base

MARK: Final = "staff.direct"  # a custom setting, which is missing if `options` were dropped
_REFUSED: Final = "unsupported startup parameter"
_OPTION = re.compile(r"-c\s*([\w.]+)=(\S+)")
# Not before statements that begin or end a transaction: in a failed one it would fail itself.
_BOUNDED = re.compile(r"\s*\(*\s*(SELECT|INSERT|UPDATE|DELETE|MERGE|WITH|SHOW)\b", re.I)


def is_refusal(problem: psycopg.OperationalError) -> bool:
    """Whether a pooler refused the connection for its `options`; it sends no code for that."""
    return _REFUSED in str(problem)


def keeps_options(connection: psycopg.Connection[Any]) -> bool:
    """Whether the connection's `options` reached the server."""
    connection.autocommit = True
    with connection.cursor() as cursor:
        row = cursor.execute("SELECT current_setting(%s, true)", [MARK]).fetchone()
    return bool(row and row[0] == "on")


def without_options(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters without `options`."""
    return {name: value for name, value in parameters.items() if name != "options"}


def limits(options: str) -> str:
    """The statement that sets the same as `options`, for one transaction."""
    pairs = [pair for pair in _OPTION.findall(options) if pair[0] != MARK]
    calls = ", ".join(f"set_config('{name}', '{_quoted(value)}', true)" for name, value in pairs)
    return f"SELECT {calls}; " if calls else ""


def _quoted(value: str) -> str:
    return value.replace("'", "''").replace("%", "%%")


_Base: Any = base.Cursor


class Cursor(_Base):  # type: ignore[misc]
    """Django's; sets the limits with each statement."""

    connection: Any

    def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        before = self.connection.limits
        if not before or not isinstance(query, str) or not _BOUNDED.match(query):
            super().execute(query, params, **options)
            return self
        if params is None:
            before = before.replace("%%", "%")
        super().execute(before + query, params, **options)
        self.nextset()
        return self
