"""Which server a URL belongs to, compared as a whole value: scheme, host and port."""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple
from urllib.parse import urlsplit

from typing_extensions import override

_PORTS = {"https": 443, "http": 80}
# Visible ASCII without quotes, backslash and angle brackets: parsers disagree about the rest.
_PLAIN = re.compile(r"[!#-;=?-\[\]^-~]{1,2048}")


class Origin(NamedTuple):
    scheme: str
    host: str
    port: int

    @override
    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"


def origin_of(url: object) -> Origin | None:
    """None for anything but a plain http(s) URL without user name or fragment."""
    if not isinstance(url, str) or not _PLAIN.fullmatch(url):
        return None
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme, parts.hostname, parts.port
    except ValueError:
        return None
    if scheme not in _PORTS or not host or "@" in parts.netloc or "#" in url:
        return None
    return Origin(scheme, host, _PORTS[scheme] if port is None else port)


def is_protected(origin: Origin) -> bool:
    """https, or http that never leaves this machine."""
    return origin.scheme == "https" or is_loopback(origin.host)


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
