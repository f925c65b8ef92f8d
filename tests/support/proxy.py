"""A company's outgoing proxy: CONNECT, with credentials, and one that looks into TLS."""

from __future__ import annotations

import base64
import socket
import threading
from contextlib import suppress
from typing import Self


class ConnectProxy:
    """Relays CONNECT; remembers what was asked. `answer` is sent instead where it is given."""

    def __init__(self, credentials: str = "", answer: bytes | None = None) -> None:
        self._wanted = credentials and base64.b64encode(credentials.encode()).decode()
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.heads: list[str] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(4096)
        text = head.decode("latin-1")
        self.heads.append(text)
        if self._answer is not None:
            client.sendall(self._answer)
            client.close()
        elif self._wanted and f"Basic {self._wanted}\r\n" not in text:
            client.sendall(
                b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n"
                b"Proxy-Authenticate: Negotiate\r\nProxy-Authenticate: Basic realm=corp\r\n\r\n"
            )
            client.close()
        else:
            self._connect(client, text.split()[1])

    def _connect(self, client: socket.socket, place: str) -> None:
        host, _, port = place.rpartition(":")
        server = socket.create_connection((host.strip("[]"), int(port)))
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        threading.Thread(target=_pump, args=(server, client), daemon=True).start()
        _pump(client, server)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for one in (source, sink):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
