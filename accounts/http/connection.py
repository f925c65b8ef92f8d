"""One connection to an origin, which another thread may abandon.

It is opened step by step (name, port, proxy, TLS), so that a failure or a time-out names its cause.
A kept connection is used again only if it has not been idle for long and is still open.
"""

from __future__ import annotations

import errno
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import Message
from functools import partial
from http import client as protocol
from typing import Any, Final

from . import causes
from .deadline import Deadline
from .origins import DEFAULT_PORTS, Origin, address_of
from .proxy import Proxy, open_tunnel
from .tls import issuer_of, lax_context, secured

CONNECT_SECONDS: Final = 3.0  # for each address of a name
# Azure's outbound NAT drops an idle connection after 4 minutes; TCP keep-alive comes before that.
IDLE_SECONDS: Final = 110.0
MAX_BODY: Final = 1024 * 1024
_MAX_ADDRESSES: Final = 4
_KEEP_ALIVE: Final = (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3))
_UNKNOWN_NAME: Final = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))


@dataclass(frozen=True, slots=True)
class Request:
    """`target` is the path with its query; what may hold a secret is in no repr."""

    method: str
    origin: Origin
    target: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]


@dataclass(frozen=True, slots=True)
class Response:
    """`headers` ignore case; of the body, one byte more than MAX_BODY is read at most."""

    status: int
    headers: Message = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Route:
    """How origins are reached: the TLS context, and the proxy if any."""

    context: ssl.SSLContext
    proxy: Proxy | None = None

    def proxy_to(self, origin: Origin) -> Proxy | None:
        """Only https goes through the proxy: http never leaves this machine."""
        return self.proxy if origin.scheme == "https" else None


def speak_http(sock: socket.socket, origin: Origin) -> protocol.HTTPConnection:
    """HTTP over a connected socket; `Host` omits the scheme's default port."""
    http = protocol.HTTPConnection(origin.host, origin.port)
    http.auto_open = 0  # else it would reconnect by itself, past the proxy
    http.default_port = DEFAULT_PORTS[origin.scheme]
    http.sock = sock
    return http


class Connection:
    """Belongs to one thread at a time; only `abandon` may be called from another."""

    def __init__(self, origin: Origin, route: Route) -> None:
        self.origin = origin
        self._route = route
        self._proxy = route.proxy_to(origin)
        self._first_hop = self._proxy.origin if self._proxy else origin
        self._timeout_cause: Callable[[], causes.NoAnswer] = partial(
            causes.SlowResolver, self._first_hop.host
        )
        self._http: protocol.HTTPConnection | None = None
        self._plain: socket.socket | None = None
        self._handle: socket.socket | None = None
        self._abandoned = False
        self._lock = threading.Lock()
        self._used_at = 0.0

    # --- opening ----------------------------------------------------------------------------

    def open(self, deadline: Deadline) -> None:
        """Connect, unless it is open. Raises NoAnswer."""
        if self._http is not None:
            return
        try:
            self._open(deadline)
        except ssl.SSLError as error:
            issuer = self._issuer(error, deadline)
            raise causes.tls_failed(self.origin.host, error, issuer) from error
        except TimeoutError:
            raise self.timed_out() from None
        except OSError as error:
            raise causes.broken(error) from error

    def _open(self, deadline: Deadline) -> None:
        sock = self._connected(deadline)
        if self._proxy is not None:
            self._timeout_cause = partial(causes.ProxySilent, self._first_hop)
            sock = open_tunnel(sock, self._proxy, self.origin, self._route.context)
        if self.origin.scheme == "https":
            self._timeout_cause = partial(causes.TlsSilent, self.origin.host)
            sock = secured(sock, self._route.context, self.origin.host)
        self._timeout_cause = causes.NoCompleteAnswer
        self._http = speak_http(sock, self.origin)
        self._used_at = time.monotonic()

    def _connected(self, deadline: Deadline) -> socket.socket:
        addresses = look_up(self._first_hop)
        self._timeout_cause = partial(causes.PortSilent, self._first_hop)
        problem: OSError = TimeoutError()
        for address in addresses:
            seconds = min(CONNECT_SECONDS, deadline.left())
            if seconds <= 0:
                break
            try:
                return self._hold(socket.create_connection(address, seconds), deadline)
            except OSError as error:
                problem = error
        if isinstance(problem, TimeoutError):
            raise problem
        if isinstance(problem, ConnectionRefusedError):
            raise causes.PortRefused(self._first_hop) from problem
        code = errno.errorcode.get(problem.errno or 0, type(problem).__name__)
        raise causes.Unroutable(self._first_hop, code) from problem

    def _hold(self, sock: socket.socket, deadline: Deadline) -> socket.socket:
        """Keep a duplicate of the socket, for `abandon` to shut down.

        TLS takes the original over, and hides it until the handshake is done.
        """
        _set_options(sock)
        sock.settimeout(max(0.001, deadline.left()))
        self._plain = sock
        with self._lock:
            self._handle = sock.dup()
            if self._abandoned:
                _shut(self._handle)
        return sock

    def _issuer(self, error: ssl.SSLError, deadline: Deadline) -> str:
        """Who issued the refused certificate: OpenSSL tells only after a second handshake."""
        if not isinstance(error, ssl.SSLCertVerificationError) or self._route.context is _LAX:
            return ""
        other = Connection(self.origin, Route(_LAX, self._route.proxy))
        try:
            other._open(deadline)
            sock: Any = other._http.sock if other._http else None
            return issuer_of(sock.getpeercert(binary_form=True))
        except (OSError, ValueError, causes.NoAnswer):
            return ""
        finally:
            other.close()

    # --- using ------------------------------------------------------------------------------

    def ask(self, request: Request, deadline: Deadline) -> tuple[Response, bool]:
        """The response, and whether the connection may be used again. Raises NoAnswer."""
        try:
            return self._ask(request, deadline)
        except TimeoutError:
            raise self.timed_out() from None
        except Exception as error:  # http.client raises many kinds for a malformed response
            raise causes.broken(error) from error

    def _ask(self, request: Request, deadline: Deadline) -> tuple[Response, bool]:
        http = self._http
        if http is None or http.sock is None:
            raise ConnectionError
        http.sock.settimeout(max(0.001, deadline.left()))
        http.request(request.method, request.target, request.body, dict(request.headers))
        response = http.getresponse()
        body = response.read(MAX_BODY + 1)
        is_complete = len(body) <= MAX_BODY and not response.read(1)
        if is_complete and response.length:
            raise ConnectionError  # the body is shorter than announced
        self._used_at = time.monotonic()
        is_reusable = is_complete and not response.will_close
        return Response(response.status, response.headers, body), is_reusable

    @property
    def is_usable(self) -> bool:
        """Whether the connection still seems open."""
        sock = self._http.sock if self._http else None
        if sock is None or time.monotonic() - self._used_at > IDLE_SECONDS:
            return False
        return not _is_readable(sock) or _has_only_tls_records(sock)

    def timed_out(self) -> causes.NoAnswer:
        """The cause if time runs out at the present step."""
        return self._timeout_cause()

    # --- ending -----------------------------------------------------------------------------

    def abandon(self) -> None:
        """End whatever another thread does with this connection, now and later."""
        with self._lock:
            self._abandoned = True
            if self._handle is not None:
                _shut(self._handle)

    def close(self) -> None:
        with self._lock:
            handle, self._handle = self._handle, None
        if handle is not None:
            handle.close()
        if self._http is not None:
            self._http.close()
        if self._plain is not None:
            self._plain.close()


_LAX: Final = lax_context()


def look_up(origin: Origin) -> list[tuple[str, int]]:
    """The host's addresses; may hang. Raises UnknownName, ResolverFailed."""
    host, port = origin.host, origin.port
    if address := address_of(host):
        return [(str(address), port)]
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise causes.UnknownName(host) from None
    except socket.gaierror as error:
        is_unknown = error.errno in _UNKNOWN_NAME
        raise (causes.UnknownName if is_unknown else causes.ResolverFailed)(host) from error
    return list(dict.fromkeys((str(entry[4][0]), port) for entry in found))[:_MAX_ADDRESSES]


def _set_options(sock: socket.socket) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEP_ALIVE:
        option = getattr(socket, name, None)
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)


def _is_readable(sock: socket.socket) -> bool:
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


def _has_only_tls_records(sock: socket.socket) -> bool:
    """Readable without data: TLS 1.3 servers send session tickets after the handshake."""
    if not isinstance(sock, ssl.SSLSocket):
        return False
    sock.setblocking(False)
    try:
        sock.recv(1)
    except ssl.SSLWantReadError:
        return True
    except (OSError, ValueError):
        return False
    return False


def _shut(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
