"""A small HTTP server whose answers a test writes itself, down to the last byte."""

from __future__ import annotations

import datetime
import ipaddress
import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typing_extensions import override

from accounts.reasons import Refused
from tests.support.keys import private_key

if TYPE_CHECKING:
    from collections.abc import Callable

    Script = Callable[["Exchange"], None]


class Request(NamedTuple):
    """What a client asked."""

    command: str
    path: str
    headers: str
    body: bytes


class Exchange(BaseHTTPRequestHandler):
    """One request, with helpers to answer it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server
    body: bytes

    @override
    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def do_GET(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = "".join(f"{name}: {value}\n" for name, value in self.headers.items())
        self.server.requests.append(Request(self.command, self.path, headers, self.body))
        self.server.script(self)

    do_POST = do_GET

    def json(self, value: object, status: int = 200, **headers: str) -> None:
        self.text(json.dumps(value), status, **headers)

    def text(self, text: str, status: int = 200, **headers: str) -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def raw(self, data: bytes) -> None:
        self.wfile.write(data)
        self.close_connection = True

    def drip(self, start: bytes, piece: bytes) -> None:
        """One piece every 50 ms, for ever."""
        self.wfile.write(start)
        while not self.server.stopped.wait(0.05):
            self.wfile.write(piece)

    @override
    def log_message(self, format: str, *args: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, script: Script) -> None:
        super().__init__(("127.0.0.1", 0), Exchange)
        self.script = script
        self.connections = 0
        self.requests: list[Request] = []
        self.stopped = threading.Event()

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


class TinyServer:
    """`with TinyServer(script) as server:` -- `script` answers each request."""

    def __init__(self, script: Script, certificate: Path | None = None) -> None:
        self._server = _Server(script)
        self._scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            self._scheme = "https"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stopped.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}"

    @property
    def connections(self) -> int:
        return self._server.connections

    @property
    def requests(self) -> list[Request]:
        return self._server.requests


def write_certificate(folder: Path) -> Path:
    """A certificate of its own for 127.0.0.1, with its key, in one file."""
    key = private_key("tls")
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = folder / "certificate.pem"
    path.write_bytes(made.public_bytes(Encoding.PEM) + secret)
    return path


def signed(
    folder: Path, *, since: int = 30, days: int = 1, address: str = "127.0.0.1", by: str = ""
) -> Path:
    """A server's certificate; `by` names the authority that signed it, else it did itself."""
    key, now = private_key("tls"), datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "server")])
    issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, by)]) if by else subject
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    made = (
        x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=since))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(names, critical=False)
        .sign(private_key("authority") if by else key, SHA256())
    )
    path = folder / "server.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(made.public_bytes(Encoding.PEM) + secret)
    return path


def eventually(true: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Whether it comes true within the time; it is asked less and less often."""
    began = time.monotonic()
    while not true():
        waited = time.monotonic() - began
        if waited > seconds:
            return False
        time.sleep(min(0.01 + waited / 20, 0.1))
    return True


def fails(call: Callable[[], object]) -> Refused:
    """The refusal that the call ends in."""
    with pytest.raises(Refused) as caught:
        call()
    return caught.value
