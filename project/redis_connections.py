"""Connections to Redis that are closed when their server is no longer the right one.

A managed Redis fails over behind one name: the demoted master keeps its clients and refuses their
writes, while a new connection to the same name reaches its successor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from redis import connection, sentinel
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from typing_extensions import override

from accounts.stores.outages import redis_code
from project.azure import RedisLogin

if TYPE_CHECKING:
    from redis.connection import AbstractConnection

    _Base = AbstractConnection
else:
    _Base = object

# The server's state does not permit the command, which had no effect: it is safe to retry.
# (redis-py itself does so for LOADING and NOAUTH.)
RETRYABLE: Final = frozenset(
    {"READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "NOREPLICAS", "MISCONF", "OOM"}
)
# Caused by the command, the key or the user's rights: any server would reply the same.
_COMMAND_ERRORS: Final = frozenset(
    {"NOPERM", "NOSCRIPT", "WRONGTYPE", "CROSSSLOT", "MOVED", "ASK", "NOGROUP", "BUSYGROUP"}
)


class ServerRefuses(RedisConnectionError):
    """The server's state does not permit the command; `status_code` is its error code."""


class _FailoverMixin(_Base):
    """Closes the connection after an error that another server might not return."""

    _is_connecting = False

    @override
    def on_connect_check_health(self, check_health: bool = True) -> None:
        """redis-py itself handles errors during the handshake, which older servers return."""
        self._is_connecting = True
        try:
            super().on_connect_check_health(check_health=check_health)
        finally:
            self._is_connecting = False

    @override
    def read_response(self, *args: Any, **options: Any) -> Any:
        try:
            return super().read_response(*args, **options)
        except ResponseError as error:
            if not self._is_connecting:
                self._handle(error)
            raise

    def _handle(self, error: ResponseError) -> None:
        code = redis_code(error)
        if code in RETRYABLE:
            self.disconnect()  # type: ignore[no-untyped-call]
            raise ServerRefuses(str(error), status_code=code) from error
        if code not in _COMMAND_ERRORS:
            self.mark_for_reconnect()  # type: ignore[no-untyped-call]


class Connection(_FailoverMixin, connection.Connection):
    pass


class SSLConnection(_FailoverMixin, connection.SSLConnection):
    pass


class SentinelConnection(_FailoverMixin, sentinel.SentinelManagedConnection):
    pass


class SentinelSSLConnection(_FailoverMixin, sentinel.SentinelManagedSSLConnection):
    pass


_REPLACEMENTS: Final[dict[Any, Any]] = {
    connection.Connection: Connection,
    connection.SSLConnection: SSLConnection,
}


class Pool(connection.ConnectionPool):
    """redis-py's pool, of the connections above."""

    def __init__(self, connection_class: Any = connection.Connection, **options: Any) -> None:
        super().__init__(_REPLACEMENTS.get(connection_class, connection_class), **options)
        login = options.get("credential_provider")
        if isinstance(login, RedisLogin):
            login.add_pool(self)


class SentinelPool(sentinel.SentinelConnectionPool):
    """The same for a master behind Sentinels."""

    def __init__(self, service_name: str, sentinel_manager: Any, **options: Any) -> None:
        by_tls = options.pop("ssl", False)
        options["connection_class"] = SentinelSSLConnection if by_tls else SentinelConnection
        super().__init__(service_name, sentinel_manager, **options)  # type: ignore[no-untyped-call]
