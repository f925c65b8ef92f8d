"""By which door a session came in: with ADMIN_BY_MICROSOFT_ONLY admin opens to ours alone.

A session that other code of the site made (a public login, a token, an impersonation) is signed in,
and is nobody in admin.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.contrib.auth.models import AnonymousUser

from ..models import SignIn
from ..outages import STORE_ERRORS

if TYPE_CHECKING:
    from django.contrib.sessions.backends.base import SessionBase
    from django.http import HttpRequest

ENTRY: Final = "entered_by"


def mark(session: SessionBase, method: SignIn.Method) -> None:
    """Note the door, once the person is signed in."""
    session[ENTRY] = str(method)


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


def unmark(session: SessionBase) -> None:
    """Whoever signs in by other code has come by no door of ours."""
    session.pop(ENTRY, None)


def opens_admin(session: SessionBase) -> bool:
    """Whether this session may be in admin, as far as its door goes."""
    return not settings.ADMIN_BY_MICROSOFT_ONLY or _door(session)


def _door(session: SessionBase) -> bool:
    method = session.get(ENTRY)
    if method == SignIn.Method.PASSWORD:
        return bool(settings.ADMIN_PASSWORD_LOGIN)
    return method in (SignIn.Method.MICROSOFT, SignIn.Method.BREAK_GLASS)
