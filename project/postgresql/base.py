"""A PostgreSQL backend that a hanging server with open connections cannot block.

Neither the server's statement_timeout nor TCP notices that. So the client has time-outs of its own:
slightly longer than statement_timeout, and short for the health check before each use.
"""

from __future__ import annotations

import re
from types import SimpleNamespace, TracebackType
from typing import Any, Final, TypeVar

import psycopg
from django.db import OperationalError
from django.db.backends.postgresql import base
from django.db.utils import DatabaseErrorWrapper
from django.utils.functional import cached_property
from psycopg.abc import PQGen
from typing_extensions import override

from project import azure
from project.postgresql import pooler
from project.postgresql.schema import DatabaseSchemaEditor

T = TypeVar("T")

CHECK_SECONDS: Final = 1.0
GRACE_SECONDS: Final = 5.0
_TIMEOUT: Final = re.compile(r"statement_timeout=(\d+)s")
# Errors after which a new connection to the same name may reach another server: after a fail-over
# the old one still runs, read-only. (PostgreSQL's manual, appendix A.)
_SERVER_ERRORS: Final = ("08", "25006", "57P0")
_READ_ONLY: Final = (b"in_hot_standby", b"default_transaction_read_only")  # parameter status


class Connection(psycopg.Connection[Any]):
    """Waits `reply_timeout` seconds for a reply, then closes itself."""

    reply_timeout: float | None = None
    limits: str = ""  # SQL before each statement, where a pooler keeps no settings

    @override
    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        try:
            return super().wait(gen, interval, self.reply_timeout if timeout is None else timeout)
        except psycopg.errors._WaitTimeout:
            self.pgconn.finish()
            raise psycopg.OperationalError("no answer in time") from None


class _Errors(DatabaseErrorWrapper):
    """Django's; marks the connection stale after a server's error, and raises OperationalError.

    For psycopg 25006, a write to a read-only server, is an internal error.
    """

    wrapper: DatabaseWrapper

    @override
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        code = getattr(error, "sqlstate", None) or ""
        if error is None or not code.startswith(_SERVER_ERRORS):
            super().__exit__(kind, error, traceback)
            return
        self.wrapper.errors_occurred = self.wrapper.is_stale = True
        raise OperationalError(*error.args).with_traceback(traceback) from error


class DatabaseWrapper(base.DatabaseWrapper):
    SchemaEditorClass = DatabaseSchemaEditor
    is_stale = False
    Database: Any = SimpleNamespace(**{**vars(psycopg), "connect": Connection.connect})

    @override
    def get_connection_params(self) -> dict[str, Any]:
        """With auth=entra the password is a token, a valid one for each new connection."""
        params: dict[str, Any] = super().get_connection_params()
        if not self.settings_dict.get("BY_ENTRA"):
            return params
        try:
            return {**params, "password": azure.token(azure.POSTGRESQL)}
        except azure.NoToken as problem:
            raise psycopg.OperationalError(str(problem)) from problem

    @override
    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        options = conn_params.get("options", "")
        connection = self._direct(conn_params) or self._pooled(conn_params, options)
        found = _TIMEOUT.search(options)
        connection.reply_timeout = int(found[1]) + GRACE_SECONDS if found else None
        self.is_stale = False
        return connection

    def _direct(self, params: dict[str, Any]) -> Any:
        """A connection that keeps its settings; None if there is a pooler in between."""
        if self.settings_dict.get("POOLED"):
            return None
        try:
            connection = super().get_new_connection(params)
        except psycopg.OperationalError as problem:
            if not pooler.is_refusal(problem):
                raise
            return None
        if pooler.MARK not in params.get("options", "") or pooler.keeps_options(connection):
            return connection
        connection.close()
        return None

    def _pooled(self, params: dict[str, Any], options: str) -> Any:
        """A connection whose statements set their limits; from now on for the whole process."""
        self.settings_dict |= {"POOLED": True, "DISABLE_SERVER_SIDE_CURSORS": True}
        connection = super().get_new_connection(pooler.without_options(params))
        connection.cursor_factory = pooler.Cursor
        connection.limits = pooler.limits(options)
        return connection

    @override
    @cached_property
    def wrap_database_errors(self) -> DatabaseErrorWrapper:
        return _Errors(self)

    @override
    def is_usable(self) -> bool:
        """Called before the first query of each request; after False Django reconnects."""
        connection: Any = self.connection
        if connection is None or self.is_stale or _is_read_only(connection):
            return False
        reply_timeout, connection.reply_timeout = connection.reply_timeout, CHECK_SECONDS
        try:
            return super().is_usable()
        finally:
            connection.reply_timeout = reply_timeout


def _is_read_only(connection: psycopg.Connection[Any]) -> bool:
    """As the server has reported by itself: costs no round trip."""
    return any(connection.pgconn.parameter_status(name) == b"on" for name in _READ_ONLY)
