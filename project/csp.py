"""The Content-Security-Policy of every page, by Django's own middleware where it has one.

Django has it from 6.0 on; before, the middleware here does the same with the same settings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from secrets import token_urlsafe
from typing import Any, Final

import django
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject, empty

_SELF: Final = "'self'"
_NONE: Final = "'none'"

POLICY: Final[dict[str, list[str]]] = {
    "default-src": [_SELF],
    "img-src": [_SELF, "data:"],
    "base-uri": [_NONE],
    "object-src": [_NONE],
    "frame-ancestors": [_NONE],
    "form-action": [_SELF],  # the pages with Microsoft's button loosen it for themselves
}

DJANGO_HAS_IT: Final = django.VERSION >= (6, 0)
MIDDLEWARE: Final[str] = (
    "django.middleware.csp.ContentSecurityPolicyMiddleware"
    if DJANGO_HAS_IT
    else "project.csp.PolicyMiddleware"
)
NONCE: Final = "<CSP_NONCE_SENTINEL>"  # in a policy; django.utils.csp.CSP.NONCE
_ERRORS: Final = (404, 500)  # whose pages have inline styles with DEBUG
# The header, the setting of the site's policy, and the attribute with a page's own.
_HEADERS: Final = (
    ("Content-Security-Policy", "SECURE_CSP", "_csp_config"),
    ("Content-Security-Policy-Report-Only", "SECURE_CSP_REPORT_ONLY", "_csp_ro_config"),
)


class PolicyMiddleware:
    """Sends SECURE_CSP, or the page's own; a nonce is in it once the page has asked for one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        nonce = SimpleLazyObject(lambda: token_urlsafe(16))
        request.csp_nonce = nonce  # type: ignore[attr-defined]
        response = self._get_response(request)
        if settings.DEBUG and response.status_code in _ERRORS:
            return response
        used = f"'nonce-{nonce}'" if nonce._wrapped is not empty else ""
        for header, setting, attribute in _HEADERS:
            if policy := getattr(response, attribute, getattr(settings, setting)):
                response.headers.setdefault(header, _written(policy, used))
        return response


def _written(policy: Mapping[str, Any], nonce: str) -> str:
    return "; ".join(
        " ".join([directive, *_sources(values, nonce)])
        for directive, values in policy.items()
        if values not in (None, False)
    )


def _sources(values: Any, nonce: str) -> Iterable[str]:
    """A directive that is just True has none."""
    listed = () if values is True else (values,) if isinstance(values, str) else values
    return filter(None, (nonce if value == NONCE else value for value in listed))
