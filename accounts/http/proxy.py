"""A company's outgoing proxy: HTTP's CONNECT (RFC 9110, section 9.3.6), with Basic credentials."""

from __future__ import annotations

import base64
import re
import socket
import ssl
from dataclasses import dataclass, field
from http import client as protocol
from typing import Final
from urllib.parse import unquote, urlsplit

from . import causes
from .origins import Origin, origin_of
from .tls import secured

_SCHEMES: Final = re.compile(r"(?i)\b(Basic|Digest|NTLM|Negotiate|Kerberos|Bearer)\b")


@dataclass(frozen=True, slots=True)
class Proxy:
    """`credentials` is "user:password"; no repr shows it."""

    origin: Origin
    credentials: str = field(default="", repr=False)


def proxy_from(url: str) -> Proxy | None:
    """The proxy of a URL like http://user:password@proxy.example:3128; None for anything else.

    User name and password may be percent-encoded (RFC 3986, section 3.2.1).
    """
    try:
        parts = urlsplit(url)
        user_info, _, host_and_port = parts.netloc.rpartition("@")
    except ValueError:
        return None
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        return None
    origin = origin_of(f"{parts.scheme}://{host_and_port}/")
    return Proxy(origin, unquote(user_info)) if origin else None


def open_tunnel(
    sock: socket.socket, proxy: Proxy, to: Origin, context: ssl.SSLContext
) -> socket.socket:
    """The socket, tunnelled through the proxy to `to`. Raises NoAnswer, TimeoutError."""
    if proxy.origin.scheme == "https":
        sock = _secured(sock, proxy.origin.host, context)
    sock.sendall(_connect(proxy, to))
    with protocol.HTTPResponse(sock, method="CONNECT") as response:
        try:
            response.begin()
        except TimeoutError:
            raise
        except (protocol.HTTPException, OSError, ValueError):
            raise causes.ProxyBroken(proxy.origin) from None
    status, offered = response.status, response.headers.get_all("Proxy-Authenticate", ())
    if status != 200:
        schemes = ", ".join(dict.fromkeys(_SCHEMES.findall(" ".join(offered))))
        raise causes.ProxyRefused(proxy.origin, status, f", offering {schemes}" if schemes else "")
    return sock


def _secured(sock: socket.socket, host: str, context: ssl.SSLContext) -> socket.socket:
    try:
        return secured(sock, context, host)
    except ssl.SSLError as error:
        raise causes.tls_failed(host, error) from error


def _connect(proxy: Proxy, to: Origin) -> bytes:
    authority = f"[{to.host}]:{to.port}" if ":" in to.host else f"{to.host}:{to.port}"
    lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}"]
    if proxy.credentials:
        token = base64.b64encode(proxy.credentials.encode()).decode()
        lines.append(f"Proxy-Authorization: Basic {token}")
    return "\r\n".join([*lines, "", ""]).encode("ascii")
