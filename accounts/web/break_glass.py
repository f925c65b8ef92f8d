"""The page of a break-glass link: a button on GET, a sign-in on POST.

Mail and chat scanners open links, so a GET does not use the link up. The token is in the link and
the form only, in no log line, record or later page.
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
    """GET and HEAD show the button; POST uses the link up and signs in."""
    if request.method != "POST":
        context = {"token": request.GET.get("token", ""), "url": request.path}
        return render(request, "microsoft_admin/break_glass.html", context)
    return refusal.answered(request, staff_urls.home(), _use, SignIn.Method.BREAK_GLASS)


@sensitive_variables()
def _use(request: HttpRequest, attempt: Attempt) -> HttpResponse:
    user = _admitted(request)
    attempt.email = users.email_of(user)
    record.admit(attempt, user.pk)
    return HttpResponseRedirect(staff_urls.home())


@sensitive_variables()
def _admitted(request: HttpRequest) -> User:
    """Only failures count, so that nobody can block a valid link by pressing often."""
    try:
        return _signed_in(request, request.POST.get("token", ""))
    except Refused:
        throttle.BREAK_GLASS.count(request_facts.client_network(request))
        raise


@sensitive_variables()
def _signed_in(request: HttpRequest, token: str) -> User:
    """In one transaction, so that a failure leaves the link unused."""
    with transaction.atomic():
        user = break_glass.redeem(token)
        login(request, user, backend=session_backend())
        request_facts.end_within_the_hour(request)
        entrance.mark(request.session, SignIn.Method.BREAK_GLASS)
        entrance.write(request.session)
    return user
