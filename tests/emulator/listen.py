"""Listening on loopback and nowhere else, for IPv4 and IPv6 at one port; and not answering."""

import errno
import ipaddress
import socket
import ssl
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

from typing_extensions import override

POLL = 0.05
ATTEMPTS = 20
NO_IPV6 = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
Handler = Callable[..., Any]


class NotLoopback(ValueError):
    """Told to listen where others could reach us."""


def addresses(host: str) -> list[str]:
    """The addresses behind a loopback host."""
    if host == "localhost":
        return ["127.0.0.1", "::1"]
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise NotLoopback(
            f"The Entra emulator does not listen on {host!r}: whoever reaches it can be anyone. "
            "Use localhost, 127.0.0.1 or ::1."
        )
    return [host]


class Listener(ThreadingHTTPServer):
    """One address. Each connection has a thread; `hang_up` ends them."""

    request_queue_size = 128
    daemon_threads = True

    def __init__(
        self, address: str, port: int, handler: Handler, context: ssl.SSLContext | None
    ) -> None:
        self.address_family = family(address)
        self._context = context
        self._open: dict[socket.socket, int] = {}
        super().__init__((address, port), handler)
        threading.Thread(target=self.serve_forever, args=(POLL,), daemon=True).start()

    @override
    def server_bind(self) -> None:
        # The stock one looks our name up, which can take seconds.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.server_address[1]

    @override
    def get_request(self) -> tuple[socket.socket, Any]:
        sock, address = super().get_request()
        if self._context is not None:
            # The handshake is left to the connection's thread.
            sock = self._context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        self._open[sock] = 0
        return sock, address

    @override
    def process_request_thread(self, request: Any, client_address: Any) -> None:
        self._open[request] = threading.get_ident()
        super().process_request_thread(request, client_address)

    @override
    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self._open.pop(request, None)

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    @property
    def busy(self) -> bool:
        """Whether a connection is open, other than the one that asks."""
        return any(thread != threading.get_ident() for thread in list(self._open.values()))

    def hang_up(self) -> None:
        """Close every connection, save the one that told us to."""
        for sock, thread in list(self._open.items()):
            if thread != threading.get_ident():
                with suppress(OSError):
                    # Not SSLSocket's own, which pulls the rug from under the reading thread.
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)


def family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def bind_all(
    hosts: list[str], port: int, handler: Handler, context: ssl.SSLContext | None
) -> list[Listener]:
    """A listener for each address, all at one port. A machine without IPv6 is fine."""
    for _ in range(1 if port else ATTEMPTS):
        made = [Listener(hosts[0], port, handler, context)]
        try:
            made += [Listener(host, made[0].server_port, handler, context) for host in hosts[1:]]
        except OSError as error:
            if error.errno in NO_IPV6:
                return made
            close_all(made)
            if port:
                raise
            continue  # The port that the system picked is taken on the other address.
        return made
    raise OSError(errno.EADDRINUSE, "No port is free on all loopback addresses")


def close_all(listeners: list[Listener]) -> None:
    for listener in listeners:
        listener.shutdown()
        listener.server_close()
        listener.hang_up()


def hold(hosts: list[str], port: int, *, silent: bool) -> list[socket.socket]:
    """Keep the port, and refuse connections; or, `silent`, let them wait for an answer forever."""
    held = []
    for host in hosts:
        sock = socket.socket(family(host))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        held.append(sock)
        if silent:
            sock.listen(0)
            held += _fill(sock.getsockname(), family(host))
    return held


def _fill(address: Any, kind: socket.AddressFamily) -> list[socket.socket]:
    """Take every place in the queue, so that further SYN packets are dropped."""
    places = []
    for _ in range(4):
        place = socket.socket(kind)
        place.setblocking(False)
        place.connect_ex(address)
        places.append(place)
    return places
