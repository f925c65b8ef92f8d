"""The Content-Security-Policy of every page.

Django 6.0 has a middleware for it; before that it is django-csp's. Both take the same policy.
"""

from typing import Final

import django

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
APPS: Final = () if DJANGO_HAS_IT else ("csp",)
MIDDLEWARE: Final = (
    "django.middleware.csp.ContentSecurityPolicyMiddleware"
    if DJANGO_HAS_IT
    else "csp.middleware.CSPMiddleware"
)
