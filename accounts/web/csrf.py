"""The refusal of a form by the CSRF check, with its cause.

Where only the token is stale, and the `Origin` header, which no page can forge (Fetch, section
3.2), names this site, the page offers to send the form again.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import partial
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware import csrf
from django.urls import get_callable, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .. import staff_urls
from ..conf import CSRF_FAILURE_BEFORE, conf
from ..models import SignIn
from ..reasons import Refused
from ..signin.record import Attempt
from . import refusal, request_facts, throttle
from .next_path import next_from

FORMER: Final = "csrf_before"
_LONGEST: Final = 500_000  # characters of a form that is offered again
# Never written into a page, whatever form they come in.
_SECRET_FIELD: Final = re.compile(r"pass|secret|token|key|code", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Cause:
    """`detail` is for the record, `words` for the person; `stale` when only the token is wrong."""

    detail: str
    words: str | Promise
    stale: bool = False


_ELSEWHERE: Final = Cause(
    "origin: the form came from another site, or through a proxy that changes addresses",
    _("The form was sent from another address than this site's. Open this site and start there."),
)
_HIDDEN: Final = Cause(
    "origin: the browser does not say where the form came from",
    _(
        "Your browser, or an add-on, hides which page the form was on. Allow this site to see its"
        " own address (the Referer), or use another browser."
    ),
)
_NO_COOKIE: Final = Cause(
    "cookie: the CSRF cookie was not sent: blocked, cleared, sent twice, or withheld",
    _(
        "Your browser did not send this site's cookie. Allow cookies for this site; if another"
        " site of your organization sets one of the same name, clear the cookies."
    ),
    stale=True,
)
_NO_COOKIE_ON_HTTP: Final = Cause(
    "cookie: the CSRF cookie was not sent on http, where a Secure one never is",
    _NO_COOKIE.words,
    stale=True,
)
_NO_TOKEN: Final = Cause(
    "token: none in the form: cut short on its way, or not from a page of this site",
    _("The form arrived incomplete. Load its page again and send it once more."),
)
_SIGNED_IN_SINCE: Final = Cause(
    "token: of before the sign-in of this browser",
    _("You have signed in again, in another tab perhaps, since this form was opened."),
    stale=True,
)
_COOKIE_REPLACED: Final = Cause(
    "token: of another cookie than the one sent: signed in or out since, cleared, or replaced",
    _("You have signed in or out since this form was opened, or the cookies were cleared."),
    stale=True,
)


def failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """CSRF_FAILURE_VIEW: the page, its record and log line.

    The sign-in form in a second tab leads on where the person has signed in in the first one.
    """
    work = partial(_answer, reason=reason)
    return refusal.answered(request, next_from(request), work, _method(request))


def failure_in_another_site(request: HttpRequest, reason: str = "") -> HttpResponse:
    """`failure` for staff's forms and those of the sign-in; for others the site's former view."""
    paths = (*staff_urls.staff_prefixes(), *staff_urls.sign_in_prefixes())
    if request.path.startswith(paths):
        return failure(request, reason)
    view = get_callable(getattr(conf, CSRF_FAILURE_BEFORE))
    response: HttpResponse = view(request, reason=reason)
    return response


def remember_token(request: HttpRequest) -> None:
    """Keep which token the browser had before the sign-in, which gives it a new one."""
    if before := request.COOKIES.get(settings.CSRF_COOKIE_NAME, ""):
        request.session[FORMER] = _fingerprint(before)


def cause_of(request: HttpRequest, reason: str) -> Cause:
    """The cause, by Django's reason and the request."""
    if reason == csrf.REASON_NO_REFERER or request.headers.get("Origin") == "null":
        return _HIDDEN
    if "checking failed" in reason:
        return _ELSEWHERE
    if "cookie" in reason:
        on_http = settings.CSRF_COOKIE_SECURE and not request.is_secure()
        return _NO_COOKIE_ON_HTTP if on_http else _NO_COOKIE
    if reason == csrf.REASON_CSRF_TOKEN_MISSING:
        return _NO_TOKEN
    former = request.session.get(FORMER)
    return _SIGNED_IN_SINCE if former == _fingerprint(_token(request)) else _COOKIE_REPLACED


def _answer(request: HttpRequest, attempt: Attempt, reason: str) -> HttpResponse:
    cause, next_path = cause_of(request, reason), next_from(request)
    is_in = request.user.is_authenticated and getattr(request.user, "is_staff", False)
    if is_in and cause.stale and _is_sign_in(request) and refusal.AGAIN not in request.POST:
        return HttpResponseRedirect(next_path)
    throttle.REFUSED_FORMS.count(request_facts.client_network(request))
    if is_in:
        attempt.email = request.user.get_username()
    fields = _to_send_again(request) if is_in and cause.stale else None
    context = {"cause": cause.words, "fields": fields, "signs_in": _is_sign_in(request)}
    refused = Refused("form_refused", cause.detail, user_id=request.user.pk if is_in else None)
    return refusal.refuse(request, attempt, refused, next_path, context)


def _to_send_again(request: HttpRequest) -> list[tuple[str, str]] | None:
    """The fields of a form from a page of this site; None when they must not be in a page."""
    if request.headers.get("Origin") != conf.PUBLIC_URL or request.FILES:
        return None
    pairs = [(name, value) for name, values in request.POST.lists() for value in values]
    pairs = [(name, value) for name, value in pairs if name != "csrfmiddlewaretoken"]
    if any(_SECRET_FIELD.search(name) for name, _value in pairs):
        return None
    return pairs if sum(len(name) + len(value) for name, value in pairs) <= _LONGEST else None


def _is_sign_in(request: HttpRequest) -> bool:
    return request.path in (reverse("staff_login"), *staff_urls.login_pages())


def _method(request: HttpRequest) -> SignIn.Method:
    paths = {
        reverse("staff_login"): SignIn.Method.MICROSOFT,
        staff_urls.break_glass(): SignIn.Method.BREAK_GLASS,
        **dict.fromkeys(staff_urls.login_pages(), SignIn.Method.PASSWORD),
    }
    return paths.get(request.path, SignIn.Method.SESSION)


def _token(request: HttpRequest) -> str:
    posted = request.POST.get("csrfmiddlewaretoken", "")
    return posted or str(request.META.get(settings.CSRF_HEADER_NAME, ""))


def _fingerprint(token: str) -> str:
    """Identifies a token's secret, masked or not, without revealing it."""
    if len(token) == csrf.CSRF_TOKEN_LENGTH and token.isascii() and token.isalnum():
        token = csrf._unmask_cipher_token(token)  # type: ignore[attr-defined]
    return hashlib.sha256(b"csrf:" + token.encode(errors="replace")).hexdigest()[:16]
