"""Error handlers: every failure shows a page with a reference, never a traceback."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from django.shortcuts import render

from accounts.signin import state
from accounts.web import refusal

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500: says which part is away when it is one, else `unexpected`."""
    return failure(request, sys.exc_info()[1])


def failure(request: HttpRequest, error: BaseException | None) -> HttpResponse:
    """The page for an exception anywhere on the site; not a sign-in attempt, so no record."""
    reference = state.new_reference()
    refused = refusal.reason_of(error, reference)
    refusal.logger.error("request failed: %s", refused.reason.code, extra={"reference": reference})
    return refusal.page(request, refused, reference, next_path=None)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler404."""
    return render(request, "404.html", status=404)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler400: renders nothing that depends on the request, which may have a bad Host."""
    return render(None, "400.html", status=400)
