"""Ends sessions that are idle, and has Microsoft confirm the others every RECHECK_MINUTES.

A re-check is a redirect to Microsoft with `prompt=none` on a page that a person opens, and back to
that page; popups and requests by scripts are not redirected. One at a time is under way for a
session. A request that cannot be redirected is served until the grace period is over, and then
answered with 401.
"""

from __future__ import annotations

import hashlib
import logging
import time
from typing import Final

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin

from .. import staff_urls
from ..conf import conf
from ..registration import in_force
from ..sessions.limits import Due, Limits, due, is_idle, is_put_off
from ..signin.purpose import Purpose
from ..signin.state import LONGEST_NEXT
from . import automatic_sign_in, entrance, errors, microsoft_session, request_facts
from .headers import no_store
from .next_path import login_page_url, safe_next
from .provider import begin
from .request_facts import SEEN

logger = logging.getLogger("django.security.sign_in")

_WRITTEN_EVERY: Final = 60  # seconds between two writes of SEEN
_ONE_AT_A_TIME: Final = 60  # seconds that a re-check may be under way
_FORMS: Final = ("/add/", "/change/")


class SessionLimitsMiddleware(MiddlewareMixin):
    """After AuthenticationMiddleware; needs no round trip to the store of its own."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        on = conf.SESSION_IDLE_MINUTES or conf.RECHECK_MINUTES
        if not on or request.path.startswith(staff_urls.sign_in_prefixes()):
            return None
        try:
            if not _has_session(request):
                return None
            return self._ended(request) or self._rechecked(request)
        except Exception as error:
            return errors.outage(request, error)

    def _ended(self, request: HttpRequest) -> HttpResponse | None:
        now, seen_at = time.time(), _seen_at(request)
        if is_idle(_limits(), seen_at, now):
            _end(request, "idle")
            return _sign_in_again(request, "idle")
        if now - seen_at > _WRITTEN_EVERY or SEEN not in request.session:
            request.session[SEEN] = now
        return None

    def _rechecked(self, request: HttpRequest) -> HttpResponse | None:
        limits, session, now = _limits(), microsoft_session.of(request.session), time.time()
        due_now, is_form = due(limits, session.checked_at, now), request.path.endswith(_FORMS)
        if due_now is Due.NO or (due_now is Due.BEFORE_A_FORM and not is_form):
            return None
        is_in_grace = due_now is Due.OVERDUE and is_put_off(limits, session.put_off_at, now)
        if not _may_be_redirected(request):
            in_time = due_now in (Due.BEFORE_A_FORM, Due.NOW) or is_in_grace
            return None if in_time else _sign_in_again(request, "recheck")
        if is_in_grace and now - (session.put_off_at or 0) < _ONE_AT_A_TIME:
            return None
        return _redirected(request, due_now)


def _redirected(request: HttpRequest, due_now: Due) -> HttpResponse | None:
    """The redirect; None serves the page: a re-check is under way, or is put off."""
    if due_now in (Due.BEFORE_A_FORM, Due.NOW):
        return _sent_to_microsoft(request) if _is_first(request) else None
    sent = _sent_to_microsoft(request)
    if sent is not None:
        return sent
    if due_now is Due.OVERDUE:
        microsoft_session.put_off(request.session)
        return None
    _end(request, "recheck")
    return _sign_in_again(request, "recheck")


def _limits() -> Limits:
    return Limits(idle=conf.SESSION_IDLE_MINUTES * 60, recheck=conf.RECHECK_MINUTES * 60)


def _has_session(request: HttpRequest) -> bool:
    if settings.SESSION_COOKIE_NAME not in request.COOKIES or SESSION_KEY not in request.session:
        return False
    return entrance.is_from_our_backend(request.session)


def _seen_at(request: HttpRequest) -> float:
    """When the session was last used; now, where an earlier release did not store it."""
    seen = request.session.get(SEEN)
    if isinstance(seen, int | float):
        return float(seen)
    return request_facts.signed_in_at(request) or time.time()


def _end(request: HttpRequest, why: str) -> None:
    facts = {"event": "session_ended", "detail": why, "user_id": request.session[SESSION_KEY]}
    logger.info("session ended: %s", why, extra=facts)
    request.session.flush()
    request.user = AnonymousUser()


def _may_be_redirected(request: HttpRequest) -> bool:
    """Whether it is a page that a person opens in a tab, so that a redirect loses nothing.

    By Fetch Metadata, which today's browsers send; else by the Accept header.
    """
    if request.method != "GET" or "_popup" in request.GET or "_to_field" in request.GET:
        return False
    if "Sec-Purpose" in request.headers:  # fetched ahead of a click that may never come
        return False
    path = request.get_full_path()
    if len(path) > LONGEST_NEXT or safe_next(path) != path:
        return False
    mode, dest = request.headers.get("Sec-Fetch-Mode"), request.headers.get("Sec-Fetch-Dest")
    if mode is not None:
        return mode == "navigate" and dest in (None, "document")
    return _wants_a_page(request)


def _wants_a_page(request: HttpRequest) -> bool:
    by_script = request.headers.get("X-Requested-With") == "XMLHttpRequest"
    return not by_script and "text/html" in request.headers.get("Accept", "text/html")


def _is_first(request: HttpRequest) -> bool:
    """Whether no other tab of the session has a re-check under way."""
    name = hashlib.sha256(str(request.session.session_key).encode()).hexdigest()[:32]
    return bool(cache.add(f"recheck:{name}", 1, _ONE_AT_A_TIME))


def _sent_to_microsoft(request: HttpRequest) -> HttpResponse | None:
    """The redirect; None when Microsoft cannot be asked now."""
    try:
        if in_force().authority().known() is None:
            return None
        deadline, path = request_facts.deadline_of(request), request.get_full_path()
        _issued, url = begin(request, path, deadline, purpose=Purpose.RECHECK)
        return no_store(HttpResponseRedirect(url))
    except Exception as error:  # whatever it is, the page is served
        logger.warning("re-check not started (%s)", type(error).__name__)
        return None


def _sign_in_again(request: HttpRequest, why: str) -> HttpResponse:
    """To the login page; or 401 where a redirect would lose what was sent.

    Under SIGN_IN_AUTOMATICALLY, too, the button must be pressed: a session that ended for being
    idle must not start again without the person.
    """
    return automatic_sign_in.stop(no_store(_asking_to_sign_in(request, why)))


def _asking_to_sign_in(request: HttpRequest, why: str) -> HttpResponse:
    if not _wants_a_page(request) or request.headers.get("Sec-Fetch-Mode") in ("cors", "no-cors"):
        url = conf.PUBLIC_URL + staff_urls.login_page()
        return JsonResponse({"error": "sign_in_again", "url": url}, status=401)
    if _may_be_redirected(request):
        return HttpResponseRedirect(login_page_url(request.get_full_path(), why))
    minutes = conf.SESSION_IDLE_MINUTES
    context = {"ended": why, "idle_minutes": minutes, "url": staff_urls.home()}
    return render(request, "microsoft_admin/sign_in_again.html", context, status=401)
