"""Exceptions of single pages from the site's Content-Security-Policy, whatever sends it.

Django's middleware (6.0 and later) takes a whole policy for the page, django-csp the directives to
replace. In what another site's own middleware has sent, they are replaced in the header.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

# The setting of Django's policy, and the attribute in which its middleware looks for a page's own.
_HEADERS = ("Content-Security-Policy", "Content-Security-Policy-Report-Only")
_OF_DJANGO = (("SECURE_CSP", "_csp_config"), ("SECURE_CSP_REPORT_ONLY", "_csp_ro_config"))


def allow(response: HttpResponse, directives: Mapping[str, list[str]]) -> None:
    """Replace these directives of the site's policy for this response."""
    replaced = {**getattr(response, "_csp_replace", {}), **directives}
    response._csp_replace = replaced  # type: ignore[attr-defined]
    for setting, attribute in _OF_DJANGO:
        if policy := getattr(response, attribute, getattr(settings, setting, None)):
            setattr(response, attribute, {**policy, **directives})


class PolicyMiddleware(MiddlewareMixin):
    """First in another site's MIDDLEWARE, so that its policy is in the header by then."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if allowed := getattr(response, "_csp_replace", None):
            for name in _HEADERS:
                if name in response.headers:
                    response.headers[name] = replaced(response.headers[name], allowed)
        return response


def replaced(policies: str, allowed: Mapping[str, list[str]]) -> str:
    """The header with these directives in each of its policies that has them (CSP 3, 2.2.2)."""
    return ",".join(
        ";".join(_directive(each, allowed) for each in policy.split(";"))
        for policy in policies.split(",")
    )


def _directive(text: str, allowed: Mapping[str, list[str]]) -> str:
    name = (text.split() or [""])[0].lower()
    return f" {name} {' '.join(allowed[name])}" if name in allowed else text
