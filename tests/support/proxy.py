"""A company's outgoing proxy: CONNECT, with credentials, and one that looks into TLS."""

from __future__ import annotations

import base64
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable


class ConnectProxy:
    """Relays CONNECT; remembers what was asked. `answer` is sent instead where it is given."""

    def __init__(self, credentials: str = "", answer: bytes | None = None) -> None:
        self._wanted = credentials and base64.b64encode(credentials.encode()).decode()
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._clients: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.heads: list[str] = []

    def __enter__(self) -> Self:
        self._start(self._serve)
        return self

    def __exit__(self, *_: object) -> None:
        for one in (self._listener, *self._clients):
            _end(one)
        self._listener.close()
        for thread in self._threads:
            thread.join(1)  # one may still be connecting

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def _start(self, target: Callable[..., None], *arguments: socket.socket) -> threading.Thread:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._clients.append(client)
                self._start(self._relay, client)

    def _relay(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                if not (data := client.recv(4096)):
                    return
                head += data
            text = head.decode("latin-1")
            self.heads.append(text)
            if self._answer is not None:
                client.sendall(self._answer)
            elif self._wanted and f"Basic {self._wanted}\r\n" not in text:
                client.sendall(
                    b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n"
                    b"Proxy-Authenticate: Negotiate\r\n"
                    b"Proxy-Authenticate: Basic realm=corp\r\n\r\n"
                )
            else:
                self._connect(client, text.split()[1])

    def _connect(self, client: socket.socket, place: str) -> None:
        host, _, port = place.rpartition(":")
        with socket.create_connection((host.strip("[]"), int(port))) as server:
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = self._start(_pump, server, client)
            _pump(client, server)
            back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    _end(source)
    _end(sink)


def _end(one: socket.socket) -> None:
    """Whoever waits for it does not any longer."""
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
