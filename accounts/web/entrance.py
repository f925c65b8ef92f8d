"""How a session's user signed in; ADMIN_BY_MICROSOFT_ONLY opens admin to this app's sign-ins only.

A session by other code of the site (a public login, a token, an impersonation) is anonymous in each
admin site and on STAFF_PATHS.
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
_CHECKED: Final = "_session_versions_checked"


class EntranceMiddleware(MiddlewareMixin):
    """After AuthenticationMiddleware; covers views that other code guards by `is_staff` alone."""

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
        """To staff's login page, instead of the one LOGIN_URL of LoginRequiredMiddleware."""
        if not (self._all_want_a_login and getattr(view, "login_required", True)):
            return None
        if not _is_of_staff(request.path) or request.user.is_authenticated:
            return None
        return HttpResponseRedirect(login_page_url(request.get_full_path()))


def _all_want_a_login() -> bool:
    kinds = [import_string(path) for path in settings.MIDDLEWARE]
    return any(isinstance(k, type) and issubclass(k, LoginRequiredMiddleware) for k in kinds)


def mark(session: SessionBase, method: SignIn.Method) -> None:
    """Note the method in the session, after the login."""
    session[ENTRY] = str(method)
    session[WHO] = session.get(SESSION_KEY)


def write(session: SessionBase) -> None:
    """Save the session now, so that an error of the store is part of the sign-in."""
    if session.modified:
        session.save()


def leave(request: HttpRequest) -> None:
    """Undo a sign-in that failed; the browser keeps the cookie, whose session is deleted."""
    with suppress(*STORE_ERRORS):
        request.session.flush()
    request.session.modified = False
    request.user = AnonymousUser()


def is_from_our_backend(session: SessionBase) -> bool:
    """Whether a backend of this app signed its user in."""
    return str(session.get(BACKEND_SESSION_KEY, "")).startswith(f"{NAME}.")


def unmark(session: SessionBase) -> None:
    """Remove the method, since the present login is by other code or not finished."""
    session.pop(ENTRY, None)


def opens_admin(request: HttpRequest) -> bool:
    """Whether the session's sign-in and the request's user allow admin."""
    if not conf.ADMIN_BY_MICROSOFT_ONLY:
        return True
    return _by_our_sign_in(request.session) and _is_session_user(request)


def _by_our_sign_in(session: SessionBase) -> bool:
    """Whether the session's present user came by an allowed sign-in of this app."""
    if session.get(WHO, session.get(SESSION_KEY)) != session.get(SESSION_KEY):
        return False
    method = session.get(ENTRY)
    if method == SignIn.Method.PASSWORD:
        return bool(conf.ADMIN_PASSWORD_LOGIN)
    return method in (SignIn.Method.MICROSOFT, SignIn.Method.BREAK_GLASS)


def _is_session_user(request: HttpRequest) -> bool:
    """Whether the request's user is the session's, and not one that middleware has set."""
    user = request.user
    if not user.is_authenticated:
        return False
    pk = user._meta.pk.value_to_string(user)
    return pk == request.session.get(SESSION_KEY) and _has_valid_session(request, user)


def _has_valid_session(request: HttpRequest, user: Any) -> bool:
    """Looked up once in a request for a sign-in: a page of admin asks several times."""
    checked: dict[object, bool] = vars(request).setdefault(_CHECKED, {})
    sign_in = (user.pk, versions.noted(request.session))
    if sign_in not in checked:
        checked[sign_in] = versions.is_valid(request.session, user)
    return checked[sign_in]


def _is_of_staff(path: str) -> bool:
    """Whether it is a page of staff's, and not of the sign-in."""
    return path.startswith(staff_urls.staff_prefixes()) and not path.startswith(
        staff_urls.sign_in_prefixes()
    )


async def _nobody() -> AnonymousUser:
    return AnonymousUser()
