"""The process's HTTP client for Microsoft: JSON only, verified TLS, no redirects.

Every request has a deadline and a limit on the response's size. Whatever goes wrong is a
`NoAnswer` that names the cause.
"""

from __future__ import annotations

import ssl
import time
from collections import defaultdict
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode, urlsplit

from django.views.decorators.debug import sensitive_variables

from .. import telemetry
from ..conf import conf
from ..process.per_process import PerProcess
from ..reasons import Refused
from .breaker import Breaker
from .bulkhead import Bulkhead
from .causes import CircuitOpen, NoAnswer, NoTimeLeft
from .connection import Request, Response
from .deadline import Deadline
from .json_response import JsonResponse, json_of
from .origins import Origin, is_protected, origin_of
from .proxy import Proxy, proxy_from
from .tls import trusted_context
from .transport import Transport

SECONDS: Final = 10.0  # that one request may wait for Microsoft, in all
SLOTS: Final = 10
_HEADERS: Final = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "django-entra-sign-in",
}
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
_NO_HEADERS: Final[Mapping[str, str]] = {}


class HttpClient:
    """Thread-safe; take the process's own from `get_client`."""

    def __init__(
        self,
        *,
        context: ssl.SSLContext | None = None,
        proxy: Proxy | None = None,
        slots: int = SLOTS,
    ) -> None:
        self.bulkhead = Bulkhead(slots)
        self._transport = Transport(context=context, proxy=proxy, keep=slots)
        self._breakers: defaultdict[Origin, Breaker] = defaultdict(Breaker)

    def get_json(
        self, url: str, deadline: Deadline | None = None, headers: Mapping[str, str] = _NO_HEADERS
    ) -> JsonResponse:
        """Without a deadline it has one of SECONDS. Raises NoAnswer, Refused(misconfigured)."""
        return self._ask("GET", url, None, deadline, headers)

    def get_page(self, url: str, deadline: Deadline, headers: Mapping[str, str]) -> Response:
        """Any response, also a redirect or HTML; for `doctor`. Raises what `get_json` does."""
        return self._transport.ask(_request("GET", url, None, headers), deadline)

    @sensitive_variables("fields")
    def post_form(
        self,
        url: str,
        fields: Mapping[str, str],
        deadline: Deadline | None = None,
        headers: Mapping[str, str] = _NO_HEADERS,
    ) -> JsonResponse:
        """POST the fields as a form; otherwise as `get_json`."""
        return self._ask("POST", url, urlencode(fields).encode(), deadline, headers)

    def was_no_outage(self, url: str) -> None:
        """Tell the breaker, after a NoAnswer, that the error's JSON names a fault of ours."""
        if origin := origin_of(url):
            self._breakers[origin].succeeded()

    def warm(self, url: str) -> None:
        """Open a connection in the background for a request that is about to follow."""
        origin = origin_of(url)
        if origin is not None and is_protected(origin) and not self._breakers[origin].is_open:
            self._transport.warm(origin, SECONDS)

    @sensitive_variables("body")
    def _ask(
        self,
        method: str,
        url: str,
        body: bytes | None,
        deadline: Deadline | None,
        headers: Mapping[str, str],
    ) -> JsonResponse:
        deadline = deadline or Deadline(SECONDS)
        request = _request(method, url, body, headers)
        breaker = self._breakers[request.origin]
        with self.bulkhead.slot(deadline):
            if deadline.left() <= 0:
                raise NoTimeLeft
            if not breaker.admits():
                raise CircuitOpen(breaker.last_failure)
            try:
                answer = json_of(*self._timed(request, deadline))
            except NoAnswer as cause:
                if cause.is_outage:
                    breaker.failed(cause.detail)
                else:
                    breaker.succeeded()
                raise
            breaker.succeeded()
            return answer

    def _timed(self, request: Request, deadline: Deadline) -> tuple[Response, int]:
        """The response, and the milliseconds it took. Raises NoAnswer."""
        began = time.monotonic()
        outcome: int | str = "_OTHER"
        try:
            response = self._transport.ask(request, deadline)
            outcome = response.status
        except NoAnswer as cause:
            outcome = cause.kind
            raise
        finally:
            seconds = time.monotonic() - began
            telemetry.time_request(
                request.method, request.origin.host, request.path, seconds, outcome
            )
        return response, round(seconds * 1000)


def _request(method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Request:
    origin = origin_of(url)
    if origin is None or not is_protected(origin):
        raise Refused("misconfigured", "an endpoint's address is not https")
    parts = urlsplit(url)
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    sent = {**_HEADERS, **(_FORM if body is not None else {}), **headers}
    return Request(method, origin, target, sent, body)


def _make_client() -> HttpClient:
    bundle, proxy = (getattr(conf, f"MICROSOFT_{n}", "") for n in ("CA_BUNDLE", "PROXY_URL"))
    return HttpClient(context=trusted_context(bundle), proxy=proxy_from(proxy))


_clients = PerProcess(_make_client)


def get_client() -> HttpClient:
    """This process's client; a forked child gets its own."""
    return _clients.get()
