"""A server that speaks Redis's protocol, and answers on each connection as a test tells it to."""

import threading
from collections.abc import Callable
from contextlib import suppress
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Self

from typing_extensions import override

from tests.servers.ports import LOOPBACK

# connection's number from 0, the command's words -> the answer as it goes over the wire
Reply = Callable[[int, list[str]], str]
_HELLO = "%2\r\n+server\r\n+redis\r\n+proto\r\n:3\r\n"


class RedisLike:
    """`with RedisLike(answer) as server: server.url`; `connections` counts them."""

    def __init__(self, answer: Reply) -> None:
        self.connections = 0
        self._answer, self._lock = answer, threading.Lock()
        self._server = _server(self)
        self.url = f"redis://{LOOPBACK}:{self._server.server_address[1]}/0"

    def next_number(self) -> int:
        with self._lock:
            self.connections += 1
            return self.connections - 1

    def say(self, number: int, words: list[str]) -> str:
        """The handshake goes as with Redis."""
        if words[0].upper() == "HELLO":
            return _HELLO
        if words[0].upper() == "PING":
            return "+PONG\r\n"
        if words[0].upper() == "CLUSTER":
            return "-NOPERM of nobody's business here\r\n"
        if words[0].upper() in ("CLIENT", "SELECT"):
            return "+OK\r\n"
        return self._answer(number, words)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _server(server: RedisLike) -> ThreadingTCPServer:
    class Talk(StreamRequestHandler):
        @override
        def handle(self) -> None:
            number = server.next_number()
            with suppress(OSError, ValueError):
                while line := self.rfile.readline():
                    words = [self._word() for _ in range(int(line[1:]))]
                    self.wfile.write(server.say(number, words).encode())

        def _word(self) -> str:
            length = int(self.rfile.readline()[1:])
            return self.rfile.read(length + 2)[:-2].decode(errors="replace")

    class Server(ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    return Server((LOOPBACK, 0), Talk)
