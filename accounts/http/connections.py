"""urllib3's connections, bounded in time and honest about whether they are still usable.

Three changes: names are looked up in a thread that can be left behind; every socket is known
to the request's guard, from before the TLS handshake on; and a kept-alive connection is used
again only if it is younger than the other side's patience and really still open.
"""

from __future__ import annotations

import ipaddress
import queue
import socket
import ssl
import threading
import time
from functools import cache
from typing import TYPE_CHECKING, Any

from typing_extensions import override
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError
from urllib3.util.connection import create_connection
from urllib3.util.ssl_ import create_urllib3_context

from accounts.http.deadline import current_guard

if TYPE_CHECKING:
    from urllib3.response import HTTPResponse

CONNECT_SECONDS = 3.0
# Azure's outbound NAT forgets a silent connection after 4 minutes; TCP keep-alive speaks before.
IDLE_SECONDS = 110.0
_ADDRESSES = 4
_KEEP_ALIVE = (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3))

Address = tuple[str, int]


def socket_options() -> list[tuple[int, int, int]]:
    options = [
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    ]
    known = [(getattr(socket, name, None), value) for name, value in _KEEP_ALIVE]
    return options + [(socket.IPPROTO_TCP, name, value) for name, value in known if name]


class _Bounded(HTTPConnection):
    """What both schemes share."""

    used_at: float = 0.0

    @override
    def _new_conn(self) -> socket.socket:
        try:
            sock = self._first_that_answers()
        except OSError as error:
            raise NewConnectionError(self, type(error).__name__) from None
        guard = current_guard()
        if guard is not None:
            guard.attach(sock)
        self.used_at = time.monotonic()
        return sock

    def _first_that_answers(self) -> socket.socket:
        problem: OSError = TimeoutError("no time left")
        for address in look_up(self._dns_host, self.port, _time_left()):
            seconds = min(CONNECT_SECONDS, _time_left())
            if seconds <= 0:
                break
            try:
                return create_connection(address, seconds, socket_options=self.socket_options)
            except OSError as error:
                problem = error
        raise problem

    @property
    @override
    def is_connected(self) -> bool:
        young = time.monotonic() - self.used_at < IDLE_SECONDS
        return young and (super().is_connected or self._only_tls_news())

    def _only_tls_news(self) -> bool:
        """Readable, yet alive: TLS 1.3 servers send session tickets after the handshake."""
        if not isinstance(self.sock, ssl.SSLSocket):
            return False
        self.sock.setblocking(False)
        try:
            self.sock.recv(1)
        except ssl.SSLWantReadError:
            return True
        except (OSError, ValueError):
            return False
        return False

    @override
    def request(self, *args: Any, **kwargs: Any) -> None:
        guard = current_guard()
        if guard is not None and self.sock is not None:
            guard.attach(self.sock)
        super().request(*args, **kwargs)

    @override
    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        response = super().getresponse()
        self.used_at = time.monotonic()
        return response


class BoundedHTTPConnection(_Bounded):
    pass


class BoundedHTTPSConnection(_Bounded, HTTPSConnection):
    pass


class _Warmable(HTTPConnectionPool):
    def warm(self) -> None:
        """Leave an open connection in the pool; one that is there already is enough."""
        connection = self._get_conn()
        try:
            if connection.is_closed:
                connection.connect()
        except BaseException:
            connection.close()
            raise
        finally:
            self._put_conn(connection)


class HTTPPool(_Warmable):
    ConnectionCls = BoundedHTTPConnection


class HTTPSPool(_Warmable, HTTPSConnectionPool):
    ConnectionCls = BoundedHTTPSConnection


def make_manager(context: ssl.SSLContext | None, size: int) -> PoolManager:
    manager = PoolManager(
        num_pools=8,
        maxsize=size,
        retries=False,
        ssl_context=context or trusted_context(),
        socket_options=socket_options(),
    )
    manager.pool_classes_by_scheme = {"http": HTTPPool, "https": HTTPSPool}
    return manager


@cache
def trusted_context() -> ssl.SSLContext:
    """The system's authorities; certifi's where the system has none and it is installed.

    Reading them costs tens of milliseconds, so it is done once a process.
    """
    context = create_urllib3_context()
    context.load_default_certs()
    if not context.cert_store_stats()["x509_ca"]:
        try:
            import certifi
        except ImportError:
            return context
        context.load_verify_locations(certifi.where())
    return context


def _time_left() -> float:
    guard = current_guard()
    return CONNECT_SECONDS if guard is None else guard.remaining()


def look_up(host: str, port: int, seconds: float) -> list[Address]:
    """The host's addresses; a resolver that hangs is left behind in its thread."""
    try:
        return [(str(ipaddress.ip_address(host)), port)]
    except ValueError:
        pass
    answers: queue.SimpleQueue[list[Address] | OSError] = queue.SimpleQueue()
    threading.Thread(target=_resolve, args=(host, port, answers), daemon=True).start()
    try:
        answer = answers.get(timeout=max(0.001, min(seconds, 2 * CONNECT_SECONDS)))
    except queue.Empty:
        raise TimeoutError("name lookup") from None
    if isinstance(answer, OSError):
        raise answer
    return answer


def _resolve(host: str, port: int, answers: queue.SimpleQueue[list[Address] | OSError]) -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        answers.put(error)
    except UnicodeError:
        answers.put(OSError("not a host name"))
    else:
        addresses = [(str(entry[4][0]), port) for entry in found]
        answers.put(list(dict.fromkeys(addresses))[:_ADDRESSES])
