"""Ending all of a person's sessions at once, wherever they are stored, on any user model.

This project's user model has a version, which is part of every session's hash. For another model a
row of SessionVersion has it, and each session keeps the version of its sign-in.
"""

from __future__ import annotations

from typing import Any, Final

from django.contrib.sessions.backends.base import SessionBase
from django.db.models import F

from ..models import SessionVersion

_ENTRY: Final = "session_version"


def end_all(user: Any) -> None:
    """Make all sessions of the user invalid, from the next request on."""
    if hasattr(user, "end_sessions"):
        user.end_sessions()
        return
    SessionVersion.objects.get_or_create(user_id=user.pk)
    SessionVersion.objects.filter(user_id=user.pk).update(version=F("version") + 1)


def mark(session: SessionBase, user: Any) -> None:
    """Note the user's present version in a new session."""
    if not hasattr(user, "end_sessions"):
        session[_ENTRY] = _version_of(user)


def is_valid(session: SessionBase, user: Any) -> bool:
    """Whether the person's sessions have not been ended since this one was made."""
    if hasattr(user, "end_sessions"):  # its hash has said so
        return True
    return bool(noted(session) == _version_of(user))


def noted(session: SessionBase) -> object:
    """The version of the session's sign-in."""
    return session.get(_ENTRY)


def _version_of(user: Any) -> int:
    rows = SessionVersion.objects.filter(user_id=user.pk).values_list("version", flat=True)
    return rows.first() or 0
