"""Ports on this machine: a free one to start a server on, and whether one is taken."""

import socket
from contextlib import closing

LOOPBACK = "127.0.0.1"
_given: set[int] = set()


def free_port() -> int:
    """A port that nothing listens on, and that this process was not given before."""
    while True:
        with closing(socket.socket()) as candidate:
            candidate.bind((LOOPBACK, 0))
            port: int = candidate.getsockname()[1]
        if port not in _given:
            _given.add(port)
            return port


def in_use(port: int) -> bool:
    """Whether a browser that opens localhost on this port would meet another server."""
    return answers(port, "localhost") or not _can_bind(port)


def answers(port: int, host: str = LOOPBACK) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def _can_bind(port: int) -> bool:
    with closing(socket.socket()) as probe:
        # As servers do: a connection that is only lingering does not make the port taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
