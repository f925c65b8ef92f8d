"""What a request names as `Host` (RFC 9110, section 7.2), as browsers and curl do."""

import socket

import pytest

from accounts.http.connection import speak_http
from accounts.http.origins import Origin


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (Origin("https", "login.example", 443), b"login.example"),
        (Origin("https", "login.example", 8443), b"login.example:8443"),
        (Origin("http", "localhost", 80), b"localhost"),
        (Origin("http", "localhost", 443), b"localhost:443"),
        (Origin("http", "localhost", 8400), b"localhost:8400"),
    ],
)
def test_a_port_is_named_only_where_the_scheme_does_not_imply_it(
    origin: Origin, host: bytes
) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        speak_http(ours, origin).request("GET", "/")
        assert b"\r\nHost: " + host + b"\r\n" in theirs.recv(4096)
