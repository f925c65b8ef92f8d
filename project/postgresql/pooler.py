"""PgBouncer, Azure's built-in one included: what is set for a connection does not stay with it.

It refuses the start-up parameter `options`, or drops it without a word; and where it shares
connections by transaction, a SET would be somebody else's. So the time-outs go with each statement,
in the same message: that makes them one transaction, and nothing of it stays.
(Source: pgbouncer.org, "Config", ignore_startup_parameters, and "Features", SQL feature map.)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Self

import psycopg
from django.db.backends.postgresql import base

MARK: Final = "staff.direct"  # a setting of ours: it has arrived where nothing drops `options`
_REFUSED: Final = "unsupported startup parameter"
_OPTION = re.compile(r"-c\s*([\w.]+)=(\S+)")
# Nothing may come before what ends or begins a transaction: in one that has failed it would fail.
_BOUNDED = re.compile(r"\s*\(*\s*(SELECT|INSERT|UPDATE|DELETE|MERGE|WITH|SHOW)\b", re.I)


def is_refusal(problem: psycopg.OperationalError) -> bool:
    """Whether a pooler refused the connection for its `options`; it has no code for that."""
    return _REFUSED in str(problem)


def keeps_options(connection: psycopg.Connection[Any]) -> bool:
    """Whether what the connection was begun with has arrived."""
    connection.autocommit = True
    with connection.cursor() as cursor:
        row = cursor.execute("SELECT current_setting(%s, true)", [MARK]).fetchone()
    return bool(row and row[0] == "on")


def without_options(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters as any pooler takes them."""
    return {name: value for name, value in parameters.items() if name != "options"}


def limits(options: str) -> str:
    """The statement that sets what `options` would have, for one transaction."""
    wanted = [pair for pair in _OPTION.findall(options) if pair[0] != MARK]
    calls = ", ".join(f"set_config('{name}', '{_quoted(value)}', true)" for name, value in wanted)
    return f"SELECT {calls}; " if calls else ""


def _quoted(value: str) -> str:
    return value.replace("'", "''").replace("%", "%%")


_Base: Any = base.Cursor


class Cursor(_Base):  # type: ignore[misc]
    """Django's, whose statements bring their limits along."""

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
