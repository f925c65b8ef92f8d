"""TLS in front of a server that has none, as managed stores have it; plain clients pass, too."""

import socket
import ssl
import threading
from contextlib import suppress
from functools import cache
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Self

import certifi
from typing_extensions import override

from tests.servers.nginx import write_certificate
from tests.servers.once import once
from tests.servers.ports import LOOPBACK
from tests.servers.process import scratch

HANDSHAKE = b"\x16"  # RFC 8446 section 5.1: what a TLS client sends first
SSL_REQUEST = b"\0\0\0\x08\x04\xd2\x16\x2f"  # PostgreSQL, "Message Formats"


def one_authority() -> str:
    """A bundle for processes that speak TLS to nobody: all of the system's take 20 ms to read."""
    return str(once("one-authority", _write_authority) / "bundle.pem")


def _write_authority(directory: Path) -> None:
    end = "-----END CERTIFICATE-----\n"
    first = Path(certifi.where()).read_text().partition(end)[0]
    (directory / "bundle.pem").write_text(first + end)


class TlsInFront:
    """`with TlsInFront(port) as front: front.port`; clients trust `front.certificate`.

    `shown` is a file with another certificate to show, and its key. A client of PostgreSQL, which
    asks for TLS in its own protocol, is told that there is some.
    """

    def __init__(self, port: int, shown: Path | None = None) -> None:
        self.certificate, key = (shown, shown) if shown else _certificate()
        self.by_tls, self.plain = 0, 0  # connections of clients
        self._server = _server(self, port, self.certificate, key)
        self.port: int = self._server.server_address[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@cache
def _certificate() -> tuple[Path, Path]:
    """One for all, with its key: of two of the same name a client knows not which to trust."""
    directory = scratch("tls")
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    write_certificate(certificate, key)
    return certificate, key


def _server(front: "TlsInFront", behind: int, certificate: Path, key: Path) -> ThreadingTCPServer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    class Relay(BaseRequestHandler):
        request: socket.socket

        @override
        def handle(self) -> None:
            with suppress(OSError):
                client = self.request
                if client.recv(8, socket.MSG_PEEK) == SSL_REQUEST:
                    client.recv(8)
                    client.sendall(b"S")
                if client.recv(1, socket.MSG_PEEK) == HANDSHAKE:
                    client = context.wrap_socket(client, server_side=True)
                    front.by_tls += 1
                else:
                    front.plain += 1
                with client, socket.create_connection((LOOPBACK, behind)) as server:
                    threading.Thread(target=_pump, args=(server, client), daemon=True).start()
                    _pump(client, server)

    class Server(ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    return Server((LOOPBACK, 0), Relay)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)
