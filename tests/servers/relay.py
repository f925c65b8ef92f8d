"""One address in front of a server, as the name of a managed store: a fail-over moves it."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from tests.servers.ports import LOOPBACK


class Relay:
    """`with Relay(port) as name: name.port`; set `target` and new connections go elsewhere.

    Connections that are open stay where they are, as they do when a DNS name moves. `change` is
    what becomes of the server's answers.
    """

    def __init__(self, target: int, change: Callable[[bytes], bytes] = bytes) -> None:
        self.target, self.connections, self._change = target, 0, change
        self._listener = socket.create_server((LOOPBACK, 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                both = (client, self.target, self._change)
                threading.Thread(target=_join, args=both, daemon=True).start()


def _join(client: socket.socket, target: int, change: Callable[[bytes], bytes]) -> None:
    with client, suppress(OSError), socket.create_connection((LOOPBACK, target)) as server:
        back = threading.Thread(target=_pump, args=(server, client, change), daemon=True)
        back.start()
        _pump(client, server, bytes)
        back.join()


def _pump(source: socket.socket, target: socket.socket, change: Callable[[bytes], bytes]) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(change(data))
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)
