"""A page's exceptions from the policy, for either middleware."""

from importlib.util import find_spec
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string

from accounts.web import csp
from project.csp import NONCE, POLICY, PolicyMiddleware

MIDDLEWARES = [
    ("project.csp.PolicyMiddleware", "project.csp"),
    ("csp.middleware.CSPMiddleware", "csp"),
    ("django.middleware.csp.ContentSecurityPolicyMiddleware", "django.middleware.csp"),
]


def sent(middleware: str, response: HttpResponse, header: str = "Content-Security-Policy") -> str:
    def respond(request: HttpRequest) -> HttpResponse:
        return response

    answer = import_string(middleware)(respond)(HttpRequest())
    return str(answer.headers.get(header, ""))


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


OURS = "project.csp.PolicyMiddleware"
SCRIPTS = {"script-src": ["'self'", NONCE]}


@pytest.mark.parametrize(
    ("policy", "header"),
    [
        (
            {"default-src": ["'self'", "https:"], "base-uri": "'none'"},
            "default-src 'self' https:; base-uri 'none'",
        ),
        (
            {"upgrade-insecure-requests": True, "sandbox": False, "img-src": None},
            "upgrade-insecure-requests",
        ),
        (SCRIPTS, "script-src 'self'"),  # no page has asked for the nonce
        ({"script-src": [NONCE]}, "script-src"),  # which allows nothing
        ({}, ""),
    ],
)
def test_a_policy_is_written_as_it_stands(policy: Any, header: str, settings: Any) -> None:
    settings.SECURE_CSP = policy
    assert sent(OURS, HttpResponse()) == header


def test_a_nonce_that_a_page_asks_for_is_in_both_policies_and_new_each_time(settings: Any) -> None:
    settings.SECURE_CSP = settings.SECURE_CSP_REPORT_ONLY = SCRIPTS

    def page(request: HttpRequest) -> HttpResponse:
        return HttpResponse(str(request.csp_nonce))  # type: ignore[attr-defined]

    answers = [PolicyMiddleware(page)(HttpRequest()) for _ in range(2)]
    for answer in answers:
        expected = f"script-src 'self' 'nonce-{answer.content.decode()}'"
        assert answer.headers["Content-Security-Policy"] == expected
        assert answer.headers["Content-Security-Policy-Report-Only"] == expected
        assert len(answer.content) >= 22  # 128 bits (CSP 3, section 7.1)
    assert answers[0].content != answers[1].content


def test_a_header_that_is_there_stays_and_debug_pages_have_none(settings: Any) -> None:
    settings.SECURE_CSP = POLICY
    own = HttpResponse(headers={"Content-Security-Policy": "sandbox"})
    assert sent(OURS, own) == "sandbox"
    for status in (404, 500):
        assert sent(OURS, HttpResponse(status=status))
    settings.DEBUG = True
    for status in (404, 500):
        assert not sent(OURS, HttpResponse(status=status))
    assert sent(OURS, HttpResponse(status=403))
