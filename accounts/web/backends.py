"""Authentication backends: Microsoft alone, or beside it Django's passwords."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.utils.module_loading import import_string
from typing_extensions import override


class MicrosoftBackend(ModelBackend):
    """Permissions and the per-request look-up of people; checks no password, ever."""

    @override
    def authenticate(self, *args: Any, **kwargs: Any) -> None:
        """Nobody is authenticated by credentials here: the flow is the only way in."""


class PasswordBackend(ModelBackend):
    """Passwords for ADMIN_PASSWORD_LOGIN, with ModelBackend's timing protection."""


def session_backend() -> str:
    """The backend that sessions name: the first that looks people up in the database.

    Others may stand before it (axes, say) which only refuse; a session of theirs is nobody's.
    """
    paths = settings.AUTHENTICATION_BACKENDS
    return next((path for path in paths if issubclass(import_string(path), ModelBackend)), paths[0])
