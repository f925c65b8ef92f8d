"""Start a sign-in by POST; GET and HEAD show the button."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from ..signin import record
from ..signin.record import Attempt
from . import entrance, refusal, request_facts, step_up, throttle
from .headers import flow_page, with_button
from .next_path import next_from, start_url
from .provider import begin


@flow_page
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@sensitive_variables()
def start(request: HttpRequest) -> HttpResponse:
    """The page with the button, or the redirect to Microsoft."""
    next_path = next_from(request)
    if request.method != "POST":
        context = {"microsoft_login_url": start_url(next_path)}
        return with_button(render(request, "microsoft_admin/start.html", context))
    return refusal.answered(request, next_path, _to_microsoft)


def _to_microsoft(request: HttpRequest, attempt: Attempt) -> HttpResponse:
    throttle.STARTS.count(request_facts.client_network(request))
    again, purpose = refusal.is_try_again(request), step_up.purpose_of(request)
    next_path, deadline = next_from(request), request_facts.deadline_of(request)
    issued, url = begin(request, next_path, deadline, again=again, purpose=purpose)
    entrance.write(request.session)  # an error of the store is this attempt's refusal
    record.started(attempt, issued.reference)
    return HttpResponseRedirect(url)
