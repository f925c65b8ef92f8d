"""A request byte by byte, for what no HTTP library would send."""

import socket

from tests.servers.ports import LOOPBACK
from tests.support.visitor import Page


def send(port: int, request: bytes, seconds: float = 10) -> Page:
    """The first answer to these bytes."""
    with socket.create_connection((LOOPBACK, port), seconds) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.decode("utf-8", "replace").partition("\r\n\r\n")
    status, *lines = head.split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines if ": " in line)
    return Page(int(status.split()[1]), headers, body, f"http://localhost:{port}/")
