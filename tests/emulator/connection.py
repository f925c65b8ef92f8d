"""One client's connection: read requests, hand them to the emulator, send what it answers."""

import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any, Protocol

from typing_extensions import override

from .wire import Broken, Line, Request, Response

MAX_BODY = 1024 * 1024


class Answering(Protocol):
    """What a connection needs of the emulator."""

    delay: float
    handshakes: int

    def connected(self) -> int: ...
    def base_of(self, host: str) -> str | None: ...
    def handle(self, request: Request) -> Response: ...
    def now(self) -> float: ...
    def pause(self, seconds: float) -> bool: ...


class Connection(BaseHTTPRequestHandler):
    """HTTP/1.1 with keep-alive; head and body leave in one packet."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(self, emulator: Answering, *arguments: Any) -> None:
        self.emulator = emulator
        super().__init__(*arguments)

    @override
    def setup(self) -> None:
        super().setup()
        self.number = self.emulator.connected()
        # A new connection costs round trips of its own.
        self._travel(self.emulator.handshakes)

    def do_GET(self) -> None:
        self._serve()

    def do_HEAD(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        asked = time.monotonic()
        response = self._respond()
        # A round trip and no more: what the emulator itself takes is part of it.
        self._travel(1, time.monotonic() - asked)
        line = Line(self.wfile.write, self.emulator.pause)
        keep = not self.close_connection
        try:
            line.deliver(response, self.emulator.now(), body=self.command != "HEAD", keep=keep)
        except (Broken, ConnectionError):
            self.close_connection = True

    def _travel(self, round_trips: int, passed: float = 0.0) -> None:
        if self.emulator.delay:
            self.emulator.pause(max(0.0, self.emulator.delay * round_trips - passed))

    def _respond(self) -> Response:
        headers = {name.lower(): value for name, value in self.headers.items()}
        base = self.emulator.base_of(headers.get("host", ""))
        body = self._body(headers)
        if base is None or body is None:
            self.close_connection = True
            return _refused("Host" if base is None else "Content-Length")
        path, _, query = self.path.partition("?")
        return self.emulator.handle(
            Request(self.command, path, query, headers, body, base, self.number)
        )

    def _body(self, headers: Mapping[str, str]) -> str | None:
        length = headers.get("content-length", "0")
        if "transfer-encoding" in headers or not length.isdecimal() or int(length) > MAX_BODY:
            return None
        return self.rfile.read(int(length)).decode("utf-8", "replace") if length != "0" else ""

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: codes are in the addresses."""


def _refused(header: str) -> Response:
    text = f"The Entra emulator does not take a request with this {header}.\n"
    return Response(421 if header == "Host" else 411, text.encode(), {"Content-Type": "text/plain"})


def connection_for(emulator: Answering) -> Callable[..., Connection]:
    return lambda *arguments: Connection(emulator, *arguments)
