"""Clients that take their time: half-sent heads and bodies, idle ones, readers that do not read."""

import socket
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from tests.servers.ports import LOOPBACK

GET = b"GET {} HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /admin/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000\r\n\r\n"
LARGE = "/static/admin/js/vendor/xregexp/xregexp.js"


def slow_head(connection: socket.socket) -> None:
    connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")


def slow_body(connection: socket.socket) -> None:
    connection.sendall(POST + b"csrfmiddlewaretoken=")


def slow_chunks(connection: socket.socket) -> None:
    head = POST.replace(b"Content-Length: 9000", b"Transfer-Encoding: chunked")
    connection.sendall(head + b"5\r\nhello\r\n")


def idle(connection: socket.socket) -> None:
    """After one good request."""
    connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")


def silent(_connection: socket.socket) -> None:
    """Connected, and no more."""


def slow_reader(connection: socket.socket) -> None:
    """Asks for much, again and again, and reads nothing."""
    connection.sendall(f"GET {LARGE} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() * 20)


def never_closes(connection: socket.socket) -> None:
    connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")


def pipelines_half(connection: socket.socket) -> None:
    connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /heal")


KINDS: tuple[Callable[[socket.socket], None], ...] = (
    slow_head, slow_body, slow_chunks, idle, silent, slow_reader, never_closes, pipelines_half,
)  # fmt: skip


class SlowClients:
    """`with SlowClients(port, 100):` they all stay; `drip()` has each send one byte more."""

    def __init__(
        self, port: int, count: int, kinds: tuple[Callable[[socket.socket], None], ...] = KINDS
    ) -> None:
        self._port, self._count, self._kinds = port, count, kinds
        self.connections: list[socket.socket] = []

    def __enter__(self) -> Self:
        for number in range(self._count):
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(5)
            connection.connect((LOOPBACK, self._port))
            self._kinds[number % len(self._kinds)](connection)
            self.connections.append(connection)
        return self

    def drip(self) -> None:
        for number, connection in enumerate(self.connections):
            if self._kinds[number % len(self._kinds)] in (slow_head, slow_body, pipelines_half):
                with suppress(OSError):
                    connection.sendall(b"x")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for connection in self.connections:
            connection.close()
