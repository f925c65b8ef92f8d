"""/healthz: this process serves. /readyz: so do the database and the session store.

Answered before the Host header, sessions and redirects: probes come by address, and take a redirect
for a failure.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Final

from django.conf import settings
from django.core.cache import caches
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.utils.deprecation import MiddlewareMixin

from ..conf import conf
from ..http.deadline import Deadline, SingleFlight, TimeUp, result_of
from ..stores.transaction import connection

WITHIN: Final = 1.8  # seconds for both to answer
_VALID_SECONDS: Final = 1.0  # that an answer is reused


class HealthMiddleware(MiddlewareMixin):
    """Answers the two probes, whatever the Host."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        view = _VIEWS.get(request.path_info)
        if view is None:
            return None
        is_read = request.method in ("GET", "HEAD")
        response = view() if is_read else HttpResponseNotAllowed(["GET", "HEAD"])
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def healthz() -> HttpResponse:
    """200 while the process serves; no I/O."""
    return HttpResponse("ok\n", content_type="text/plain")


def readyz() -> HttpResponse:
    """200 when database and session store answer in time, else 503 naming which does not."""
    states = _probes.states()
    ready = all(state == "ok" for state in states.values())
    return JsonResponse({"ready": ready, **states}, status=200 if ready else 503)


def _database() -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        connection.close()  # the thread's own


def _session_store() -> None:
    if conf.REDIS_URL:
        caches[settings.SESSION_CACHE_ALIAS].get("readyz")
    else:
        _database()


class _Probes:
    """Asks both at once, and each only once at a time: one that hangs takes a single thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked_at = float("-inf")
        self._states: Mapping[str, str] = {}
        self._parts = {
            "database": SingleFlight(_database),
            "session_store": SingleFlight(_session_store),
        }

    def states(self) -> Mapping[str, str]:
        with self._lock:
            if time.monotonic() - self._asked_at > _VALID_SECONDS:
                self._states = self._ask()
                self._asked_at = time.monotonic()
            return self._states

    def _ask(self) -> dict[str, str]:
        deadline = Deadline(WITHIN)
        futures = {name: part.start() for name, part in self._parts.items()}
        return {name: _state(future, deadline) for name, future in futures.items()}


def _state(answer: Future[None], deadline: Deadline) -> str:
    try:
        result_of(answer, deadline.left())
    except TimeUp:
        return "no answer in time"
    except Exception as error:  # whatever it is, this part does not answer
        return f"failed: {type(error).__name__}"
    return "ok"


_probes = _Probes()
_VIEWS: Final = {"/healthz": healthz, "/readyz": readyz}
