"""One request and its response: on a pooled connection, within a deadline whatever happens.

Nothing is redirected, and nothing retried except a GET on a kept connection that was dead.
"""

from __future__ import annotations

import ssl
import threading
from collections import defaultdict
from collections.abc import Mapping
from weakref import finalize

from . import causes
from .connection import Connection, Request, Response, Route
from .deadline import Deadline, TimeUp, in_background, within
from .origins import Origin
from .proxy import Proxy
from .tls import trusted_context


class Transport:
    """Thread-safe. `keep` is how many idle connections to each origin stay open."""

    def __init__(
        self, *, context: ssl.SSLContext | None = None, proxy: Proxy | None = None, keep: int = 8
    ) -> None:
        self._route = Route(context or trusted_context(""), proxy)
        self._keep = keep
        self._idle: defaultdict[Origin, list[Connection]] = defaultdict(list)
        self._warming: set[Origin] = set()
        self._lock = threading.Lock()
        finalize(self, _close, self._idle)

    def ask(self, request: Request, deadline: Deadline) -> Response:
        """The response, whatever its status. Raises NoAnswer."""
        if deadline.left() <= 0:
            raise causes.NoTimeLeft
        exchange = _Exchange(self, request, deadline)
        try:
            return within(deadline.left(), exchange.run, exchange.abandon)
        except TimeUp:
            raise exchange.timed_out() from None

    def warm(self, origin: Origin, seconds: float) -> None:
        """Open a connection in the background for a request that is about to follow."""
        with self._lock:
            if origin in self._warming or any(idle.is_usable for idle in self._idle[origin]):
                return
            self._warming.add(origin)
        in_background(lambda: self._warm(origin, Deadline(seconds, None)))

    def _warm(self, origin: Origin, deadline: Deadline) -> None:
        connection = Connection(origin, self._route)
        try:
            connection.open(deadline)
        except causes.NoAnswer:
            connection.close()  # the request itself meets the same cause and reports it
        else:
            self.give_back(connection)
        finally:
            with self._lock:
                self._warming.discard(origin)

    def take(self, origin: Origin) -> Connection:
        """The most recently used connection that is still open; else a new one."""
        while True:
            with self._lock:
                if not self._idle[origin]:
                    return Connection(origin, self._route)
                connection = self._idle[origin].pop()
            if connection.is_usable:
                return connection
            connection.close()

    def give_back(self, connection: Connection) -> None:
        """Keep a reusable connection."""
        with self._lock:
            idle = self._idle[connection.origin]
            if len(idle) < self._keep:
                idle.append(connection)
                return
        connection.close()


def _close(idle: Mapping[Origin, list[Connection]]) -> None:
    for connections in idle.values():
        for connection in connections:
            connection.close()


class _Exchange:
    """One request, which a helper thread sends; `abandon` ends it from another thread."""

    def __init__(self, transport: Transport, request: Request, deadline: Deadline) -> None:
        self._transport = transport
        self._request = request
        self._deadline = deadline
        self._connection: Connection | None = None
        self._abandoned = False
        self._lock = threading.Lock()

    def run(self) -> Response:
        try:
            return self._once()
        except causes.BrokenOff:
            # The other side may have closed a kept connection just as it was used.
            if self._request.method != "GET" or self._abandoned:
                raise
            return self._once()

    def _once(self) -> Response:
        connection = self._abandonable(self._transport.take(self._request.origin))
        try:
            connection.open(self._deadline)
            response, is_reusable = connection.ask(self._request, self._deadline)
        except BaseException:
            connection.close()
            raise
        if is_reusable and not self._abandoned:
            self._transport.give_back(connection)
        else:
            connection.close()
        return response

    def _abandonable(self, connection: Connection) -> Connection:
        with self._lock:
            self._connection = connection
            if self._abandoned:
                connection.abandon()
        return connection

    def abandon(self) -> None:
        with self._lock:
            self._abandoned = True
            if self._connection is not None:
                self._connection.abandon()

    def timed_out(self) -> causes.NoAnswer:
        connection = self._connection
        return connection.timed_out() if connection else causes.NoTimeLeft()
