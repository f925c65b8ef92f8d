"""Ports on this machine: a free one to start a server on, and whether one is taken."""

import fcntl
import os
import random
import socket
import tempfile
from contextlib import closing
from functools import cache
from pathlib import Path

LOOPBACK = "127.0.0.1"
_LOWEST = 10_000
_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_given: set[int] = set()


def free_port() -> int:
    """A port that nothing listens on, and that no process on this machine was given before.

    Not one of those that the system picks by itself: any connection that is opened until a server
    starts, or between its end and its restart, could be given the same.
    """
    while True:
        port = random.SystemRandom().randrange(_LOWEST, _lowest_ephemeral())
        if port not in _given and _reserve(port) and not answers(port) and _can_bind(port):
            _given.add(port)
            return port


def _reserve(port: int) -> bool:
    """Whether this process has it to itself, until it ends: a server may start much later."""
    try:
        fcntl.lockf(_reservations(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    return True


@cache
def _reservations() -> int:
    """A file of which each byte stands for a port; the kernel frees the locks of who ended."""
    path = Path(tempfile.gettempdir()) / f"test-ports-{os.getuid()}"
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _lowest_ephemeral() -> int:
    try:
        return max(int(_EPHEMERAL.read_text().split()[0]), _LOWEST + 5000)
    except OSError:
        return 32_768


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


def outside_address() -> str:
    """An address of this machine other than loopback; loopback where it has no other."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # RFC 5737; nothing is sent
        except OSError:
            return LOOPBACK
        return str(probe.getsockname()[0])
