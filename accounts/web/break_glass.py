"""The page behind a break-glass link: a button on GET, a sign-in on POST.

Mail and chat scanners open links; a GET therefore uses nothing up. The token travels in the
link and the form alone: no log line, record or page that follows has it.
"""

from __future__ import annotations

from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from .. import staff_urls, users
from ..models import SignIn, User
from ..reasons import Refused
from ..signin import break_glass, record
from ..signin.record import Attempt
from ..stores import transaction
from . import entrance, refusal, request_facts, throttle
from .backends import session_backend
from .headers import flow_page


@flow_page
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@sensitive_variables()
def enter(request: HttpRequest) -> HttpResponse:
    """GET and HEAD show the button and look nothing up; POST uses the link and signs in."""
    if request.method != "POST":
        context = {"token": request.GET.get("token", ""), "url": request.path}
        return render(request, "microsoft_admin/break_glass.html", context)
    attempt = request_facts.attempt_of(request)
    attempt.method = SignIn.Method.BREAK_GLASS
    return refusal.answered(request, attempt, staff_urls.home(), lambda: _use(request, attempt))


@sensitive_variables()
def _use(request: HttpRequest, attempt: Attempt) -> HttpResponse:
    user = _admitted(request)
    attempt.email = users.email_of(user)
    record.admit(attempt, user.pk)
    return HttpResponseRedirect(staff_urls.home())


@sensitive_variables()
def _admitted(request: HttpRequest) -> User:
    """Only failures count: nobody can shut the last way in by pressing often."""
    try:
        return _signed_in(request, request.POST.get("token", ""))
    except Refused:
        throttle.count(throttle.BREAK_GLASS, "break-glass", request_facts.client_network(request))
        raise


@sensitive_variables()
def _signed_in(request: HttpRequest, token: str) -> User:
    """One transaction: what fails in here leaves the link unused."""
    with transaction.atomic():
        user = break_glass.redeem(token)
        login(request, user, backend=session_backend())
        request_facts.end_within_the_hour(request)
        entrance.mark(request.session, SignIn.Method.BREAK_GLASS)
        entrance.write(request.session)
    return user
