"""Which server a URL belongs to: its origin, always compared as a whole (RFC 6454)."""

from __future__ import annotations

import ipaddress
import re
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from typing_extensions import override

DEFAULT_PORTS: Final = {"https": 443, "http": 80}
# Visible ASCII without quotes, backslash and angle brackets: parsers disagree about the rest.
_UNAMBIGUOUS = re.compile(r"[!#-;=?-\[\]^-~]{1,2048}")


class Origin(NamedTuple):
    scheme: str
    host: str
    port: int

    @override
    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"


def origin_of(url: object) -> Origin | None:
    """None for anything but an unambiguous http(s) URL without user name or fragment."""
    if not isinstance(url, str) or not _UNAMBIGUOUS.fullmatch(url):
        return None
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme, parts.hostname, parts.port
    except ValueError:
        return None
    if scheme not in DEFAULT_PORTS or not host or "@" in parts.netloc or "#" in url:
        return None
    return Origin(scheme, host, DEFAULT_PORTS[scheme] if port is None else port)


def is_protected(origin: Origin) -> bool:
    """https, or http that never leaves this machine."""
    return origin.scheme == "https" or is_loopback(origin.host)


def is_loopback(host: str) -> bool:
    """Whether the name or address is this machine's own."""
    address = address_of(host)
    return address.is_loopback if address else host == "localhost"


def address_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that the text is; None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
