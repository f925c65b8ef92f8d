"""What a request changes is audited with its user and address."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

from django.http import HttpRequest, HttpResponse

from .. import audit
from ..display.references import new_reference


class AuditMiddleware:
    """After AuthenticationMiddleware; loads the user only when something is written."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        who = partial(audit.of_request, request)
        with audit.context(who=who, new_reference=cache(new_reference)):
            return self._get_response(request)
