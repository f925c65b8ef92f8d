"""By which door a session came in: with ADMIN_BY_MICROSOFT_ONLY admin opens to ours alone.

A session that other code of the site made (a public login, a token, an impersonation) is signed in,
and is nobody in admin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.conf import settings

from ..models import SignIn

if TYPE_CHECKING:
    from django.contrib.sessions.backends.base import SessionBase

ENTRY: Final = "entered_by"


def mark(session: SessionBase, method: SignIn.Method) -> None:
    """Note the door, once the person is signed in."""
    session[ENTRY] = str(method)


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
