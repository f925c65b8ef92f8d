"""What a browser meets: start a sign-in, come back from Microsoft."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods

from accounts.http.bulkhead import start_waiting_clock
from accounts.registration import in_force
from accounts.signin import record
from accounts.web import callback, refusal, request_facts, step_up, throttle
from accounts.web.headers import flow_page, with_button
from accounts.web.next_path import next_from, start_url
from accounts.web.provider import MicrosoftProvider

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@flow_page
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@sensitive_variables()
def start(request: HttpRequest) -> HttpResponse:
    """POST sends the person to Microsoft; GET and HEAD show the button and start nothing."""
    next_path = next_from(request)
    if request.method != "POST":
        context = {"microsoft_login_url": start_url(next_path)}
        return with_button(render(request, "accounts/start.html", context))
    attempt = request_facts.attempt_of(request)
    with refusal.caught(request, attempt, next_path) as caught:
        throttle.count(throttle.STARTS, "start", request_facts.client_ip(request))
        provider = MicrosoftProvider(request, app=in_force().app)
        again = refusal.is_try_again(request)
        purpose = step_up.purpose_of(request)
        response = provider.redirect(request, next_url=next_path, again=again, purpose=purpose)
        record.started(attempt, request.sign_in_reference)  # type: ignore[attr-defined]
        return response
    return caught.response


@csrf_exempt  # so that a POST, which does nothing, is told 405 whatever comes with it
@flow_page
@require_GET
@sensitive_variables()
def microsoft_callback(request: HttpRequest) -> HttpResponse:
    """Microsoft's redirect comes here: into admin, or the refusal page."""
    start_waiting_clock()
    attempt = request_facts.attempt_of(request)
    with refusal.caught(request, attempt, callback.next_of(request)) as caught:
        return callback.complete(request, attempt)
    return caught.response
