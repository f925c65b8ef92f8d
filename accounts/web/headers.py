"""Response headers of the sign-in's pages."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers

from . import csp

Answered = TypeVar("Answered", bound="HttpResponse")


def no_store(response: Answered) -> Answered:
    """Not stored anywhere, and with no path or query, which has the code, in a Referer.

    `strict-origin`, not `no-referrer`: with the latter browsers send `Origin: null`, which
    Django's CSRF check rightly refuses.
    """
    add_never_cache_headers(response)
    response.headers["Referrer-Policy"] = "strict-origin"
    return response


def with_button(response: Answered) -> Answered:
    """Let the page's forms lead to any host.

    Chrome applies `form-action` to every redirect after a form (CSP 3, section 6.4.2), and
    Microsoft redirects people of federated tenants to hosts that are not known here.
    """
    csp.allow(response, {"form-action": ["*"]})
    return response


def flow_page(view: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """The response is not stored, and needs no login where the site demands one everywhere."""

    @login_not_required
    @wraps(view)
    def unstored(request: HttpRequest) -> HttpResponse:
        return no_store(view(request))

    return unstored
