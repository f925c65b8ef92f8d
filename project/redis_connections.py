"""Connections to Redis that are not kept longer than the server behind them is the right one.

A managed Redis fails over behind one name: the demoted master stays up, keeps its clients and
refuses their writes. A new connection to the same name would reach its successor.
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

# The server refused the command for its own condition, and has done nothing: it is safe to send
# the command again. (redis-py itself does so for LOADING and NOAUTH.)
REFUSED: Final = frozenset(
    {"READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "NOREPLICAS", "MISCONF", "OOM"}
)
# What the command, the key or the user's rights are to blame for: any server would say the same.
_OF_THE_COMMAND: Final = frozenset(
    {"NOPERM", "NOSCRIPT", "WRONGTYPE", "CROSSSLOT", "MOVED", "ASK", "NOGROUP", "BUSYGROUP"}
)


class ServerRefuses(RedisConnectionError):
    """The server answered, and is not the one to ask; `status_code` is its error's first word."""


class _Fresh(_Base):
    """Any connection of redis-py's, closed after an answer that another server might not give."""

    _is_connecting = False

    @override
    def on_connect_check_health(self, check_health: bool = True) -> None:
        """What the handshake is refused, an older server's commands, redis-py deals with."""
        self._is_connecting = True
        try:
            super().on_connect_check_health(check_health=check_health)
        finally:
            self._is_connecting = False

    @override
    def read_response(self, *args: Any, **options: Any) -> Any:
        try:
            return super().read_response(*args, **options)
        except ResponseError as answer:
            if not self._is_connecting:
                self._judge(answer)
            raise

    def _judge(self, answer: ResponseError) -> None:
        code = redis_code(answer)
        if code in REFUSED:
            self.disconnect()  # type: ignore[no-untyped-call]
            raise ServerRefuses(str(answer), status_code=code) from answer
        if code not in _OF_THE_COMMAND:
            self.mark_for_reconnect()  # type: ignore[no-untyped-call]


class Connection(_Fresh, connection.Connection):
    pass


class SSLConnection(_Fresh, connection.SSLConnection):
    pass


class SentinelConnection(_Fresh, sentinel.SentinelManagedConnection):
    pass


class SentinelSSLConnection(_Fresh, sentinel.SentinelManagedSSLConnection):
    pass


_FRESH: Final[dict[Any, Any]] = {
    connection.Connection: Connection,
    connection.SSLConnection: SSLConnection,
}


class Pool(connection.ConnectionPool):
    """redis-py's, of the connections above."""

    def __init__(self, connection_class: Any = connection.Connection, **options: Any) -> None:
        super().__init__(_FRESH.get(connection_class, connection_class), **options)
        login = options.get("credential_provider")
        if isinstance(login, RedisLogin):
            login.serves(self)


class SentinelPool(sentinel.SentinelConnectionPool):
    """The same for the master that Sentinels name."""

    def __init__(self, service_name: str, sentinel_manager: Any, **options: Any) -> None:
        by_tls = options.pop("ssl", False)
        options["connection_class"] = SentinelSSLConnection if by_tls else SentinelConnection
        super().__init__(service_name, sentinel_manager, **options)  # type: ignore[no-untyped-call]
