"""The emulator: a server on loopback that is Microsoft Entra ID to whoever asks it.

with Emulator() as emulator:
    emulator.tamper(claims={"aud": "another"}, times=1)
    ...  # sign in at emulator.url
"""

from __future__ import annotations

import hashlib
import re
import ssl
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from . import listen, remote
from .commands import COMMANDS
from .connection import connection_for
from .controls import Controls
from .endpoints import respond
from .world import World

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

    from .counters import ReceivedRequest
    from .wire import Request, Response

LOOPBACK_NAME = re.compile(r"(([a-z0-9-]+\.)*localhost|127(\.\d+){3}|\[::1\])(:\d+)?")
STOP_SECONDS = 2.0
GRAPH = "graph.microsoft.com"  # asked by stock clients only, where its name leads here
KNOWN_HOSTS = 100


class Emulator(Controls):
    """`port` 0 lets the system choose. `public_url` is its address behind a proxy."""

    def __init__(
        self,
        port: int = 0,
        tls: tuple[str | Path, str | Path] | None = None,
        delay_ms: float = 0,
        *,
        host: str = "localhost",
        public_url: str | None = None,
        stock: bool = False,
    ) -> None:
        self.hosts, self.port = listen.addresses(host), port
        self._name = f"[{host}]" if ":" in host else host
        self._context = None if tls is None else _tls_context(*tls)
        self.usual_delay = self.delay = delay_ms / 1000
        # TCP takes one round trip before the first request, TLS 1.3 another.
        self.handshakes = 1 if tls is None else 2
        self._public_url = public_url
        self._bases: dict[str, str] = {}
        self._listeners: list[listen.Listener] = []
        self._held: list[socket.socket] = []
        self._doors = threading.RLock()
        self._later: threading.Timer | None = None
        self._started = False
        self.world = World("", stock=stock)

    def start(self) -> Emulator:
        self._started = True
        self.doors_open()
        # Not to be guessed, yet the same at every start: sites keep the document for a day.
        self.world.move_endpoints(hashlib.sha256(self.url.encode()).hexdigest()[:8])
        return self

    def stop(self) -> None:
        with self._doors:
            self._started = False
            self._shut()
            self._held = _closed(self._held)

    def __enter__(self) -> Emulator:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    @override
    def url(self) -> str:
        """What a site has as MICROSOFT_LOGIN_URL."""
        scheme = "http" if self._context is None else "https"
        return self._public_url or f"{scheme}://{self._name}:{self.port}"

    @property
    def requests(self) -> list[ReceivedRequest]:
        """The last requests, oldest first."""
        return list(self.world.counters.recent)

    @property
    def counts(self) -> Mapping[str, int]:
        """Requests by endpoint."""
        return dict(self.world.counters.counts)

    @property
    def connections(self) -> int:
        """TCP connections accepted."""
        return self.world.counters.connections

    @override
    def do(self, call: str, **arguments: Any) -> Any:
        return COMMANDS[call](self, **arguments)

    # What a connection needs.

    def connected(self) -> int:
        return self.world.counters.connected()

    def now(self) -> float:
        return self.world.now()

    def pause(self, seconds: float) -> bool:
        return self.world.pause(seconds)

    def base_of(self, host: str) -> str | None:
        """The origin a client called us by; None for a name that is not this machine's."""
        if host in self._bases:
            return self._bases[host]
        base = self._base_of(host)
        if base is not None and len(self._bases) < KNOWN_HOSTS:
            self._bases[host] = base
        return base

    def _base_of(self, host: str) -> str | None:
        if self._public_url and self._public_url.endswith(f"//{host}"):
            return self._public_url
        if self.world.stock and host == GRAPH:
            return f"https://{GRAPH}"
        scheme = "http" if self._context is None else "https"
        return f"{scheme}://{host}" if LOOPBACK_NAME.fullmatch(host) else None

    def handle(self, request: Request) -> Response:
        if request.path == remote.PATH:
            return remote.control(self, request)
        while self.world.hung:
            self.pause(listen.POLL)
        return respond(self.world, request)

    # Up and down.

    def doors_open(self) -> None:
        with self._doors:
            self._cancel()
            self.world.hung = False
            self._held = _closed(self._held)
            if self._started and not self._listeners:
                self._listeners = listen.bind_all(
                    self.hosts, self.port, connection_for(self), self._context
                )
                self.port = self._listeners[0].server_port

    def doors_shut(self, how: str, seconds: float | None) -> None:
        with self._doors:
            self._cancel()
            if how == "hang":
                self.world.hung = True
            else:
                self._shut()
                self._held += listen.hold(self.hosts, self.port, silent=how == "drop")
            if seconds is not None:
                self._later = threading.Timer(seconds, self.doors_open)
                self._later.daemon = True
                self._later.start()

    def _cancel(self) -> None:
        if self._later is not None:
            self._later.cancel()
            self._later = None

    def drop_connections(self) -> None:
        for listener in self._listeners:
            listener.hang_up()

    def _shut(self) -> None:
        self._cancel()
        self.world.hung = False
        self.world.interrupt()
        listeners, self._listeners = self._listeners, []
        listen.close_all(listeners)
        deadline = time.monotonic() + STOP_SECONDS
        while any(one.busy for one in listeners) and time.monotonic() < deadline:
            time.sleep(0.002)


def _closed(sockets: list[socket.socket]) -> list[socket.socket]:
    for sock in sockets:
        sock.close()
    return []


def _tls_context(certificate: str | Path, key: str | Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["http/1.1"])
    return context
