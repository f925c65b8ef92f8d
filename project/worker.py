"""Gunicorn's gthread worker, protected from slow clients: a thread gets complete requests only.

gthread reads requests in its threads, so that as many half-sent ones block a worker. Here the main
loop reads head and body, and sends what a slow client has not received yet; a thread does no I/O
with clients. Every step has a time-out, and waiting connections are limited in number and size.

TLS would have to be read in a thread: it is left to the proxy in front (docs/deploy.md).
"""

from __future__ import annotations

import errno
import select
import selectors
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Any, Final

from gunicorn import http
from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine
from gunicorn.workers import gthread
from typing_extensions import override

from project.frame_memory import with_frame_space
from project.request_framing import Framing, TooLarge

HEAD_SECONDS: Final = 10.0  # from a request's first byte to the end of its headers
BODY_SECONDS: Final = 30.0  # from there to the end of its body
WRITE_SECONDS: Final = 10.0  # without progress
LINGER_SECONDS: Final = 2.0  # for the last response to arrive before the connection is closed
MAX_RECEIVED: Final = 64 * 1024 * 1024  # of all incomplete requests of a worker
MAX_UNSENT: Final = 1024 * 1024  # of one response; a longer one waits for its client in a thread
_CHUNK: Final = 64 * 1024
_TOO_LARGE: Final = (
    (LimitRequestLine, "414 URI Too Long"),
    (LimitRequestHeaders, "431 Request Header Fields Too Large"),
)
_UNSTORED: Final = (
    "Cache-Control: no-store\r\nConnection: close\r\nX-Content-Type-Options: nosniff\r\n"
    "Content-Security-Policy: default-src 'self'; frame-ancestors 'none'; base-uri 'none'\r\n"
)

_TIMED_OUT: Final = "408 Request Timeout", "The request did not arrive in time. Please try again."
_FULL: Final = "503 Service Unavailable", "Too much is being sent at once. Please try again."
_HEAD: Final = (
    "431 Request Header Fields Too Large",
    "Your browser sent too much with its request. Delete this site's cookies, then try again.",
)
_BODY: Final = "413 Content Too Large", "What was sent is too large."


class Channel:
    """A client's socket as gunicorn's threads use it: reading never blocks, writing seldom."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self.fileno = sock.fileno
        self.unsent = bytearray()
        sock.setblocking(False)

    def recv(self, _size: int) -> bytes:
        """Nothing: the parser has the whole request in memory already."""
        return b""

    def receive(self) -> bytes | None:
        """What has arrived; None if nothing has, b"" when the connection has ended."""
        try:
            return self._socket.recv(_CHUNK)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def sendall(self, data: bytes | bytearray | memoryview) -> None:
        """Send or buffer the data; headers are buffered, to be sent with what follows."""
        is_head = not self.unsent and bytes(data[-4:]) == b"\r\n\r\n"
        self.unsent += data
        if is_head:
            return
        self.flush()
        while len(self.unsent) > MAX_UNSENT:
            _, ready, _ = select.select([], [self._socket], [], WRITE_SECONDS)
            if not ready:
                raise BrokenPipeError(errno.EPIPE, "the client does not read")
            self.flush()

    def send(self, data: bytes) -> int:
        self.sendall(data)
        return len(data)

    def flush(self) -> bool:
        """Send what the client accepts now; whether it accepted anything."""
        sent = 0
        try:
            while self.unsent:
                sent += (taken := self._socket.send(bytes(self.unsent[:_CHUNK])))
                del self.unsent[:taken]
        except BlockingIOError:
            pass
        return sent > 0

    def half_close(self) -> None:
        self._socket.shutdown(socket.SHUT_WR)

    def setblocking(self, _flag: bool) -> None:
        """It never blocks."""

    settimeout = setblocking

    def gettimeout(self) -> None:
        return None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)


class Connection(gthread.TConn):
    """`framing` is the request that is arriving."""

    sock: Channel
    parser: Any
    timeout: float

    def __init__(self, cfg: Any, sock: Channel, client: Any, server: Any) -> None:
        super().__init__(cfg, sock, client, server)  # type: ignore[no-untyped-call]
        self.since = time.monotonic()
        self.framing = Framing()

    def prepare(self) -> None:
        """In the thread: give the parser the request that has arrived."""
        if self.parser is None:
            self.parser = http.get_parser(self.cfg, self.sock, self.client)  # type: ignore[no-untyped-call]
            # gunicorn closes the connection over a large unread body; this one is in memory.
            finish = self.parser.finish_body
            self.parser.finish_body = lambda *_args, **_options: finish()
            self.initialized = True
        self.parser.unreader.unread(bytes(self.framing.data))
        self.framing = Framing()


class Worker(gthread.ThreadWorker):
    """`keepalived_conns` are idle; `_waiting` are receiving or sending in the main loop."""

    poller: Any

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)  # type: ignore[no-untyped-call]
        if self.cfg.is_ssl:
            raise RuntimeError("certfile and keyfile are not for this worker: a proxy ends TLS")
        self._waiting: set[Connection] = set()

    # --- receiving

    @override
    def accept(self, listener: Any) -> None:
        try:
            sock, client = listener.accept()
        except OSError as problem:
            if problem.errno in (errno.EMFILE, errno.ENFILE):
                self._make_room()
            return
        self.nr_conns += 1
        if self.nr_conns >= self.worker_connections:
            self._make_room()
        self._await_request(Connection(self.cfg, Channel(sock), client, listener.getsockname()))

    def _await_request(self, conn: Connection) -> None:
        """Before its first byte."""
        conn.since = time.monotonic()
        conn.timeout = conn.since + self.cfg.keepalive
        if not self.alive:
            conn.timeout = min(conn.timeout, conn.since + gthread.STOP_KEEPALIVE_LINGER)
        self.keepalived_conns.append(conn)
        self._on(conn, selectors.EVENT_READ, self._on_first_bytes)

    def _on_first_bytes(self, conn: Connection) -> None:
        self.keepalived_conns.remove(conn)
        self._waiting.add(conn)
        conn.since = time.monotonic()
        conn.timeout = conn.since + HEAD_SECONDS
        self._on_readable(conn)
        if conn in self._waiting:  # not complete yet
            self._on(conn, selectors.EVENT_READ, self._on_readable)

    def _on_readable(self, conn: Connection) -> None:
        data = conn.sock.receive()
        if data:
            self._process_input(conn, data)
        elif data is not None:
            self._drop(conn)

    def _process_input(self, conn: Connection, data: bytes) -> None:
        had_head = conn.framing.has_head
        try:
            is_complete = conn.framing.feed(data)
        except TooLarge as problem:
            return self._refuse(conn, *(_BODY if problem.is_body else _HEAD))
        if is_complete:
            return self._serve(conn)
        if sum(len(waiting.framing.data) for waiting in self._waiting) > MAX_RECEIVED:
            return self._refuse(conn, *_FULL)
        if conn.framing.has_head and not had_head:
            conn.timeout = time.monotonic() + BODY_SECONDS
            if conn.framing.expects_continue:
                self._answer(conn, b"HTTP/1.1 100 Continue\r\n\r\n")
        return None

    def _serve(self, conn: Connection) -> None:
        self._waiting.discard(conn)
        self.poller.unregister(conn.sock)
        self.enqueue_req(conn)  # type: ignore[no-untyped-call]

    @override
    @with_frame_space
    def handle(self, conn: Connection) -> Any:
        conn.prepare()
        keep = super().handle(conn)  # type: ignore[no-untyped-call]
        with suppress(OSError):  # the main loop gets the same error
            conn.sock.flush()
        return keep

    @override
    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """In the thread. A request too large for the parser gets a page that says so."""
        status = next((line for kind, line in _TOO_LARGE if isinstance(exc, kind)), "")
        if not status:
            super().handle_error(req, client, addr, exc)  # type: ignore[no-untyped-call]
            return
        from accounts.web import errors  # Django is set up by now

        self.log.warning("Invalid request: %s", exc)
        body = errors.unread(int(status[:3]))
        head = f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\n{_UNSTORED}"
        client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    # --- sending

    @override
    def finish_request(self, conn: Connection, fs: Future[Any]) -> None:
        """In the main loop again, when the thread is done."""
        try:
            keep = bool(fs.result())
        except Exception:  # also if it was cancelled
            keep = False
        if conn.sock.fileno() < 0:  # gunicorn has closed it after an error within the response
            self.nr_conns -= 1
            return None
        if not conn.sock.unsent:
            return self._next(conn) if keep else self._linger(conn)
        self._waiting.add(conn)
        conn.timeout = time.monotonic() + WRITE_SECONDS
        self._on(conn, selectors.EVENT_WRITE, partial(self._on_writable, keep=keep))
        return self._on_writable(conn, keep=keep)

    def _on_writable(self, conn: Connection, *, keep: bool) -> None:
        try:
            if conn.sock.flush():
                conn.timeout = time.monotonic() + WRITE_SECONDS
        except OSError:
            return self._drop(conn)
        if conn.sock.unsent:
            return None
        return self._next(conn) if keep else self._linger(conn)

    def _next(self, conn: Connection) -> None:
        """The connection's next request, of which some may have come with the last."""
        self._waiting.discard(conn)
        early = conn.parser.unreader.take_buffered()
        if not early:
            return self._await_request(conn)
        self._waiting.add(conn)
        conn.since = time.monotonic()
        conn.timeout = conn.since + HEAD_SECONDS
        self._on(conn, selectors.EVENT_READ, self._on_readable)
        return self._process_input(conn, early)

    def _refuse(self, conn: Connection, status: str, text: str) -> None:
        body = f"{text}\n".encode()
        head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
        self._answer(conn, f"{head}Connection: close\r\n\r\n".encode() + body)
        if conn in self._waiting:
            self._linger(conn)

    def _answer(self, conn: Connection, data: bytes) -> None:
        """Send a few bytes, which every socket accepts at once; otherwise drop it."""
        try:
            conn.sock.sendall(data)
            conn.sock.flush()
        except OSError:
            self._drop(conn)

    def _linger(self, conn: Connection) -> None:
        """Close in stages (RFC 9112, section 9.6): unread input would cut off the last response."""
        conn.framing = Framing()
        conn.timeout = time.monotonic() + LINGER_SECONDS
        try:
            conn.sock.half_close()
        except OSError:
            return self._drop(conn)
        self._on(conn, selectors.EVENT_READ, self._on_input_after_end)
        return None

    def _on_input_after_end(self, conn: Connection) -> None:
        if conn.sock.receive() == b"":
            self._drop(conn)

    # --- limits

    @override
    def murder_pending(self) -> None:
        """Called every second: end connections that have timed out."""
        now = time.monotonic()
        for conn in [waiting for waiting in self._waiting if waiting.timeout <= now]:
            if conn.framing.data:
                self._refuse(conn, *_TIMED_OUT)
            else:
                self._drop(conn)

    def _make_room(self) -> None:
        """Drop the connection that has waited longest for its client."""
        waiting = [*self._waiting, *self.keepalived_conns]
        if waiting:
            oldest = min(waiting, key=lambda conn: conn.since)
            if oldest in self.keepalived_conns:
                self.keepalived_conns.remove(oldest)
            self._drop(oldest)

    def _drop(self, conn: Connection) -> None:
        self._waiting.discard(conn)
        with suppress(KeyError, ValueError):
            self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()  # type: ignore[no-untyped-call]

    def _on(self, conn: Connection, event: int, do: Callable[[Connection], None]) -> None:
        """Call `do` whenever the socket is ready for the event."""

        def ready(_socket: Any) -> None:
            if conn.sock.fileno() >= 0:  # else it was dropped since the poll
                do(conn)

        try:
            self.poller.modify(conn.sock, event, ready)
        except KeyError:
            self.poller.register(conn.sock, event, ready)
