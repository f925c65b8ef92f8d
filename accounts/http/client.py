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
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.views.decorators.debug import sensitive_variables
from urllib3 import Timeout
from urllib3.exceptions import HTTPError, ProtocolError, TimeoutError

from accounts import telemetry
from accounts.http.answer import Answer, answer_of, cause_of, read_body, unreachable
from accounts.http.breaker import Breaker
from accounts.http.bulkhead import WaitingRoom
from accounts.http.connections import CONNECT_SECONDS, make_manager
from accounts.http.deadline import Guard, Watchdog
from accounts.http.origins import Origin, is_protected, origin_of
from accounts.http.threads import start_thread
from accounts.per_process import PerProcess
from accounts.reasons import Refused

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from urllib3.response import BaseHTTPResponse

BUDGET_SECONDS = 10.0
MAX_WAITING = 8
_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "django-entra-sign-in",
}
_FORM = {**_HEADERS, "Content-Type": "application/x-www-form-urlencoded"}


_watchdogs = PerProcess(Watchdog)


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
        tell = partial(telemetry.time_request, request.method, request.url, started)
        with self._watchdog.limit(seconds) as guard:
            try:
                status, headers, body = self._fetch(request, guard)
            except Exception as error:  # whatever a broken answer does to the libraries below
                breaker.failed()
                tell("timeout" if guard.expired else type(error).__name__)
                raise unreachable(cause_of(error, guard, seconds)) from None
        tell(status)
        if status >= 500:
            breaker.failed()
            raise unreachable(f"HTTP {status}")
        breaker.succeeded()
        return answer_of(status, headers, body, round((time.monotonic() - started) * 1000))

    def _fetch(self, request: _Request, guard: Guard) -> tuple[int, Mapping[str, str], bytes]:
        try:
            response = self._send(request, guard)
        except ProtocolError:
            # The other side closed a kept-alive connection just as we used it.
            if request.method != "GET" or guard.expired:
                raise
            response = self._send(request, guard)
        body = read_body(response)
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


_clients = PerProcess(HttpClient)


def get_client() -> HttpClient:
    """This process's client; a forked child gets its own."""
    return _clients.get()
