"""Time-outs of migrations: statements may take long, but wait for a lock only briefly.

While the old release serves, its pages queue behind a migration that waits for a table's lock. A
migration that is not atomic builds an index concurrently, behind which no page queues; it may wait
as long as the oldest transaction lasts.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final, Self

from django.db import Error
from django.db.backends.postgresql import schema
from typing_extensions import override

LOCK_SECONDS: Final = 2  # pages wait 5
_UNBOUNDED: Final = ("statement_timeout", "idle_in_transaction_session_timeout")


class DatabaseSchemaEditor(schema.DatabaseSchemaEditor):
    """Django's, with time-outs of its own until it exits."""

    @override
    def __enter__(self) -> Self:
        if self.collect_sql:
            return super().__enter__()
        if not self._is_pooled():
            self._change_timeouts("SET")
            return super().__enter__()
        entered = super().__enter__()
        self._change_timeouts("SET LOCAL" if self.atomic_migration else "")
        return entered

    @override
    def __exit__(self, *raised: Any) -> None:
        try:
            super().__exit__(*raised)
        finally:
            if not self.collect_sql:
                self._restore_timeouts()

    def _is_pooled(self) -> bool:
        """Whether settings last for one transaction only."""
        self.connection.ensure_connection()
        return bool(self.connection.settings_dict.get("POOLED"))

    def _change_timeouts(self, how: str) -> None:
        lock = f"{LOCK_SECONDS}s" if self.atomic_migration else "0"
        values = {"lock_timeout": lock, **dict.fromkeys(_UNBOUNDED, "0")} if how else {}
        with self.connection.cursor() as cursor:
            for name, value in values.items():
                cursor.execute(f"{how} {name} = '{value}'")
        session: Any = self.connection.connection
        self._reply_timeout, session.reply_timeout = session.reply_timeout, None
        self._limits, session.limits = session.limits, ""

    def _restore_timeouts(self) -> None:
        session: Any = self.connection.connection
        if session is None:
            return
        session.reply_timeout, session.limits = self._reply_timeout, self._limits
        if self._is_pooled():
            return
        with suppress(Error), self.connection.cursor() as cursor:  # it may have been cut off
            for name in ("lock_timeout", *_UNBOUNDED):
                cursor.execute(f"RESET {name}")
