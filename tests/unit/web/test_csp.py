"""A page's exceptions from the policy, for either middleware."""

from importlib.util import find_spec
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string

from accounts.web import csp
from project.csp import POLICY

MIDDLEWARES = [
    ("csp.middleware.CSPMiddleware", "csp"),
    ("django.middleware.csp.ContentSecurityPolicyMiddleware", "django.middleware.csp"),
]


def sent(middleware: str, response: HttpResponse) -> str:
    def respond(request: HttpRequest) -> HttpResponse:
        return response

    answer = import_string(middleware)(respond)(HttpRequest())
    return str(answer.headers["Content-Security-Policy"])


@pytest.mark.parametrize(("middleware", "module"), MIDDLEWARES)
def test_a_page_is_excepted_from_what_it_names_and_no_more(
    middleware: str, module: str, settings: Any
) -> None:
    if find_spec(module) is None:
        return  # this Django has none of its own
    settings.SECURE_CSP, settings.CONTENT_SECURITY_POLICY = POLICY, {"DIRECTIVES": POLICY}
    before = sent(middleware, HttpResponse())
    page = HttpResponse()
    csp.allow(page, {"form-action": ["*"]})
    csp.allow(page, {"frame-ancestors": ["https:"]})
    after = sent(middleware, page)
    assert "form-action 'self'" in before
    assert "frame-ancestors 'none'" in before
    changed = before.replace("form-action 'self'", "form-action *")
    changed = changed.replace("frame-ancestors 'none'", "frame-ancestors https:")
    assert sorted(after.split("; ")) == sorted(changed.split("; "))


def test_a_report_only_policy_is_excepted_from_too(settings: Any) -> None:
    settings.SECURE_CSP_REPORT_ONLY = {"form-action": ["'self'"]}
    page = HttpResponse()
    csp.allow(page, {"form-action": ["*"]})
    assert page._csp_ro_config == {"form-action": ["*"]}  # type: ignore[attr-defined]
