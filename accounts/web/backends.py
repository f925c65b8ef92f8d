"""Authentication backends: Microsoft alone, or beside it Django's passwords."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import ImproperlyConfigured
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
    """The backend that sessions name: ours, else the first that looks people up in the database.

    Others may stand before it (axes, guardian): a session of theirs would be nobody's.
    """
    backends = {path: import_string(path) for path in settings.AUTHENTICATION_BACKENDS}
    for kind in (MicrosoftBackend, ModelBackend):
        for path, backend in backends.items():
            if issubclass(backend, kind):
                return path
    raise ImproperlyConfigured("AUTHENTICATION_BACKENDS has none that looks people up.")
