"""What a page is excepted from in the site's Content-Security-Policy, whoever sends it.

Django's own middleware (6.0 and later) takes a page's whole policy, django-csp what is replaced in
the site's. A host that has neither is not affected.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings
from django.http import HttpResponse

# The setting of Django's policy, and the attribute in which its middleware looks for a page's own.
_OF_DJANGO = (("SECURE_CSP", "_csp_config"), ("SECURE_CSP_REPORT_ONLY", "_csp_ro_config"))


def allow(response: HttpResponse, directives: Mapping[str, list[str]]) -> None:
    """Let the page do this, whatever the site's policy says of these directives."""
    replaced = {**getattr(response, "_csp_replace", {}), **directives}
    response._csp_replace = replaced  # type: ignore[attr-defined]
    for setting, attribute in _OF_DJANGO:
        if policy := getattr(response, attribute, getattr(settings, setting, None)):
            setattr(response, attribute, {**policy, **directives})
