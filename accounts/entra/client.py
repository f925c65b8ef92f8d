"""The one HTTP client of a process for Microsoft: pooled, bounded, and it follows nobody.

Every request has a total budget, a bound on its body, TLS that is verified, no redirects and
no retries (save once, for a GET on a kept-alive connection that turned out dead). Whatever
goes wrong becomes a `Refused` whose detail holds nothing that Microsoft or we sent.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.views.decorators.debug import sensitive_variables
from urllib3 import Timeout
from urllib3.exceptions import (
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    SSLError,
    TimeoutError,
)

from accounts.entra.breaker import Breaker
from accounts.entra.connections import CONNECT_SECONDS, make_manager
from accounts.entra.exchange import exchange_code as exchange_code
from accounts.entra.origins import Origin, is_protected, origin_of
from accounts.entra.per_process import PerProcess
from accounts.entra.strict_json import NotStrict, loads_object
from accounts.entra.threads import start_thread
from accounts.entra.waiting import WaitingRoom
from accounts.entra.watchdog import Guard, Watchdog
from accounts.signin.reasons import Refused

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from urllib3.response import BaseHTTPResponse

BUDGET_SECONDS = 10.0
MAX_BODY = 1024 * 1024
MAX_WAITING = 8
_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "django-entra-sign-in",
}
_FORM = {**_HEADERS, "Content-Type": "application/x-www-form-urlencoded"}
_KEPT_HEADERS = ("Retry-After", "Date", "Cache-Control")
_RETRY_AFTER = range(1, 3601)


_watchdogs = PerProcess(Watchdog)


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON answer with a status below 500 that is neither a redirect nor a 429."""

    status: int
    body: dict[str, Any] = field(repr=False)
    headers: Mapping[str, str]
    elapsed_ms: int


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = field(default=None, repr=False)


class HttpClient:
    """Thread-safe; take the process's own from `get_client`."""

    def __init__(
        self,
        *,
        context: ssl.SSLContext | None = None,
        budget: float = BUDGET_SECONDS,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self.budget = budget
        self.waiting_room = WaitingRoom(max_waiting)
        self._manager = make_manager(context, max_waiting)
        self._watchdog = _watchdogs.get()
        self._breakers: defaultdict[Origin, Breaker] = defaultdict(Breaker)
        self._warming: set[Origin] = set()
        self._warming_lock = threading.Lock()

    def get_json(self, url: str, *, budget: float | None = None) -> Answer:
        return self._ask(_Request("GET", url, _HEADERS), budget)

    @sensitive_variables("fields")
    def post_form(
        self, url: str, fields: Mapping[str, str], *, budget: float | None = None
    ) -> Answer:
        return self._ask(_Request("POST", url, _FORM, urlencode(fields).encode()), budget)

    def warm(self, url: str) -> None:
        """Open a connection in the background for a request that will come soon."""
        origin = origin_of(url)
        if origin is None or not is_protected(origin) or self._breakers[origin].is_open:
            return
        with self._warming_lock:
            if origin in self._warming:
                return
            self._warming.add(origin)
        start_thread(self._warm, url, origin)

    def _warm(self, url: str, origin: Origin) -> None:
        try:
            with self._watchdog.limit(self.budget):
                self._manager.connection_from_url(url).warm()  # type: ignore[attr-defined]
        except (HTTPError, OSError):
            return  # The request itself will meet the same trouble and name it.
        finally:
            with self._warming_lock:
                self._warming.discard(origin)

    def _ask(self, request: _Request, budget: float | None) -> Answer:
        breaker = self._breakers[_allowed(request.url)]
        seconds = self.budget if budget is None else min(budget, self.budget)
        deadline = time.monotonic() + seconds
        with self.waiting_room.seat():
            if not breaker.admits():
                raise Refused("microsoft_unreachable", "not asked: it just failed several times")
            return self._ask_in_time(request, deadline - time.monotonic(), breaker)

    def _ask_in_time(self, request: _Request, seconds: float, breaker: Breaker) -> Answer:
        started = time.monotonic()
        with self._watchdog.limit(seconds) as guard:
            try:
                status, headers, body = self._fetch(request, guard)
            except Exception as error:  # whatever a broken answer does to the libraries below
                breaker.failed()
                raise _unreachable(_cause(error, guard, seconds)) from None
        if status >= 500:
            breaker.failed()
            raise _unreachable(f"HTTP {status}")
        breaker.succeeded()
        return _answer(status, headers, body, round((time.monotonic() - started) * 1000))

    def _fetch(self, request: _Request, guard: Guard) -> tuple[int, Mapping[str, str], bytes]:
        try:
            response = self._send(request, guard)
        except ProtocolError:
            # The other side closed a kept-alive connection just as we used it.
            if request.method != "GET" or guard.expired:
                raise
            response = self._send(request, guard)
        body = _read(response)
        if guard.expired:  # Our own shutdown looks like the end of a body.
            raise TimeoutError
        return response.status, response.headers, body

    def _send(self, request: _Request, guard: Guard) -> BaseHTTPResponse:
        return self._manager.urlopen(
            request.method,
            request.url,
            redirect=False,
            retries=False,
            headers=request.headers,
            body=request.body,
            preload_content=False,
            decode_content=False,
            timeout=Timeout(connect=CONNECT_SECONDS, read=max(0.001, guard.remaining())),
        )


def _allowed(url: str) -> Origin:
    origin = origin_of(url)
    if origin is None or not is_protected(origin):
        raise Refused("misconfigured", "an endpoint's address is not https")
    return origin


def _read(response: BaseHTTPResponse) -> bytes:
    body = response.read(MAX_BODY + 1)
    # Only a read at the end tells a body that broke off from one that is complete.
    if len(body) > MAX_BODY or response.read(1):
        response.close()
    else:
        response.release_conn()
    return body


def _answer(status: int, headers: Mapping[str, str], body: bytes, elapsed_ms: int) -> Answer:
    if status == 429:
        raise Refused("microsoft_throttled", "HTTP 429", retry_after=_retry_after(headers))
    if status // 100 not in (2, 4):
        raise _unreachable(f"HTTP {status}, not followed")
    if len(body) > MAX_BODY:
        raise _unreachable(f"HTTP {status} with more than {MAX_BODY} bytes")
    if headers.get("Content-Encoding", "identity").lower() != "identity":
        raise _unreachable(f"HTTP {status} in an encoding that was not asked for")
    kept = {name: headers[name] for name in _KEPT_HEADERS if name in headers}
    return Answer(status, _json(status, body), kept, elapsed_ms)


def _json(status: int, body: bytes) -> dict[str, Any]:
    try:
        return loads_object(body)
    except NotStrict as error:
        raise _unreachable(f"HTTP {status} with a body that is {error}") from None


def _retry_after(headers: Mapping[str, str]) -> int:
    text = headers.get("Retry-After", "")
    seconds = int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 60
    return min(max(seconds, _RETRY_AFTER[0]), _RETRY_AFTER[-1])


def _unreachable(detail: str) -> Refused:
    return Refused("microsoft_unreachable", detail)


def _cause(error: Exception, guard: Guard, seconds: float) -> str:
    """In our words: urllib3's own may quote the other side."""
    if guard.expired:
        return f"no complete answer within {seconds:.0f} s"
    if isinstance(error, SSLError):
        return "TLS failed: certificate or protocol not accepted"
    if isinstance(error, NameResolutionError | NewConnectionError):
        return "no connection: host name, firewall or port"
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, HTTPError | OSError):
        return "the connection broke off"
    return f"not an answer ({type(error).__name__})"


_clients = PerProcess(HttpClient)


def get_client() -> HttpClient:
    """This process's client; a forked child gets its own."""
    return _clients.get()
