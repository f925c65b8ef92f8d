"""By which sign-in a session began: with ADMIN_BY_MICROSOFT_ONLY admin opens to ours alone.

A session that other code of the site made (a public login, a token, an impersonation) is signed in,
and is nobody where staff work: in no admin site, on none of STAFF_PATHS.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, SESSION_KEY
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.deprecation import MiddlewareMixin
from django.utils.module_loading import import_string

from .. import staff_urls
from ..app import NAME
from ..conf import conf
from ..models import SignIn
from ..sessions import versions
from ..stores.outages import STORE_ERRORS
from . import errors
from .next_path import login_page_url

ENTRY: Final = "entered_by"
WHO: Final = "entered_as"


class EntranceMiddleware(MiddlewareMixin):
    """Behind AuthenticationMiddleware: covers views that other code guards by `is_staff` alone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        super().__init__(get_response)
        self._all_want_a_login = _all_want_a_login()

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        try:
            if _is_of_staff(request.path) and not opens_admin(request):
                request.user = AnonymousUser()
                request.auser = _nobody
        except Exception as error:
            return errors.outage(request, error)
        return None

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """From staff's pages to the button, where Django's middleware knows one LOGIN_URL only."""
        if not (self._all_want_a_login and getattr(view, "login_required", True)):
            return None
        if not _is_of_staff(request.path) or request.user.is_authenticated:
            return None
        return HttpResponseRedirect(login_page_url(request.get_full_path()))


def _all_want_a_login() -> bool:
    kinds = [import_string(path) for path in settings.MIDDLEWARE]
    return any(isinstance(k, type) and issubclass(k, LoginRequiredMiddleware) for k in kinds)


def mark(session: SessionBase, method: SignIn.Method) -> None:
    """Note the way in, once the person is signed in."""
    session[ENTRY] = str(method)
    session[WHO] = session.get(SESSION_KEY)


def write(session: SessionBase) -> None:
    """Keep the session now: where the store takes none, nobody was let in, and none is recorded."""
    if session.modified:
        session.save()


def leave(request: HttpRequest) -> None:
    """Take a sign-in back that failed; the browser keeps its cookie, of a session that is gone."""
    with suppress(*STORE_ERRORS):
        request.session.flush()
    request.session.modified = False
    request.user = AnonymousUser()


def is_from_our_backend(session: SessionBase) -> bool:
    """Whether a backend of this app signed its user in: others' sessions are theirs to limit."""
    return str(session.get(BACKEND_SESSION_KEY, "")).startswith(f"{NAME}.")


def unmark(session: SessionBase) -> None:
    """Whoever signs in by other code has not come by one of ours."""
    session.pop(ENTRY, None)


def opens_admin(request: HttpRequest) -> bool:
    """Whether this request may be in admin, as far as its session's way in and its user go."""
    if not conf.ADMIN_BY_MICROSOFT_ONLY:
        return True
    return _by_our_sign_in(request.session) and _is_session_user(request)


def _by_our_sign_in(session: SessionBase) -> bool:
    """A sign-in of ours, by which the session's present user came."""
    if session.get(WHO, session.get(SESSION_KEY)) != session.get(SESSION_KEY):
        return False
    method = session.get(ENTRY)
    if method == SignIn.Method.PASSWORD:
        return bool(conf.ADMIN_PASSWORD_LOGIN)
    return method in (SignIn.Method.MICROSOFT, SignIn.Method.BREAK_GLASS)


def _is_session_user(request: HttpRequest) -> bool:
    """Whether the request's user is the session's: middleware may have put another in place."""
    user = request.user
    if not user.is_authenticated:
        return False
    pk = user._meta.pk.value_to_string(user)
    return pk == request.session.get(SESSION_KEY) and versions.is_valid(request.session, user)


def _is_of_staff(path: str) -> bool:
    """Whether it is a page where staff work, and none of the sign-in itself."""
    return path.startswith(staff_urls.staff_prefixes()) and not path.startswith(
        staff_urls.sign_in_prefixes()
    )


async def _nobody() -> AnonymousUser:
    return AnonymousUser()
