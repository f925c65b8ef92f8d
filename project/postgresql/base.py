"""A server that hangs with its connections open must not take every thread with it.

The server's own statement_timeout does not help then, and TCP sees nothing wrong. So the client
gives up, too: a little later than the server would, and at once on the check before each use.
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
# A new connection to the same name may reach another server: after a fail-over the old one stays
# up and takes no writes. (Source: PostgreSQL's manual, appendix A; class 08 and 57P0x end it.)
_OF_THE_SERVER: Final = ("08", "25006", "57P0")
_STANDBY: Final = (b"in_hot_standby", b"default_transaction_read_only")  # told unasked


class Connection(psycopg.Connection[Any]):
    """Gives up after `patience` seconds, and is closed then: what would come is not awaited."""

    patience: float | None = None
    limits: str = ""  # what goes before each statement, where a pooler keeps no settings

    @override
    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        try:
            return super().wait(gen, interval, self.patience if timeout is None else timeout)
        except psycopg.errors._WaitTimeout:
            self.pgconn.finish()
            raise psycopg.OperationalError("no answer in time") from None


class _Errors(DatabaseErrorWrapper):
    """Django's, which notes an answer that a new connection might not get, and calls it an outage.

    psycopg files 25006, a write to a server that is read-only, under internal errors.
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
        if error is None or not code.startswith(_OF_THE_SERVER):
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
        """With auth=entra the password is a token: each new connection asks for a valid one."""
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
        connection.patience = int(found[1]) + GRACE_SECONDS if found else None
        self.is_stale = False
        return connection

    def _direct(self, params: dict[str, Any]) -> Any:
        """A connection that keeps its settings; None where a pooler is found to stand between."""
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
        """A connection whose statements bring their limits; all of the process are, from now on."""
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
        """Asked before the first query of each request; False has it connect anew."""
        connection: Any = self.connection
        if connection is None or self.is_stale or _takes_no_writes(connection):
            return False
        patience, connection.patience = connection.patience, CHECK_SECONDS
        try:
            return super().is_usable()
        finally:
            connection.patience = patience


def _takes_no_writes(connection: psycopg.Connection[Any]) -> bool:
    """What the server has told by itself, without a round trip."""
    return any(connection.pgconn.parameter_status(name) == b"on" for name in _STANDBY)
