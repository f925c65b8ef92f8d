"""Ports at which a server is not what people expect: deaf, mute, or speaking another protocol."""

import socket
import threading
from contextlib import suppress
from typing import Self

from tests.servers.ports import LOOPBACK


class Deaf:
    """`with Deaf() as port: port.number`: connections to it never come about, as with a firewall
    that drops packets. Its queue is full, so Linux drops whatever asks to be let in."""

    def __init__(self) -> None:
        self._listener = socket.socket()
        self._listener.bind((LOOPBACK, 0))
        self._listener.listen(0)
        self.number: int = self._listener.getsockname()[1]
        self._waiting: list[socket.socket] = []

    def __enter__(self) -> Self:
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            with suppress(BlockingIOError):
                one.connect((LOOPBACK, self.number))
            self._waiting.append(one)
        return self

    def __exit__(self, *_: object) -> None:
        for one in (*self._waiting, self._listener):
            one.close()


class Speaker:
    """`with Speaker() as port: port.number`: takes connections, and says at most `greeting`."""

    def __init__(self, greeting: bytes = b"") -> None:
        self._greeting = greeting
        self._listener = socket.create_server((LOOPBACK, 0), backlog=64)
        self.number: int = self._listener.getsockname()[1]
        self._taken: list[socket.socket] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._take, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for one in (*self._taken, self._listener):
            one.close()

    def _take(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._taken.append(client)
                client.sendall(self._greeting)
