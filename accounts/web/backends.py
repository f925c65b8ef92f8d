"""Authentication backends: Microsoft alone, or beside it Django's passwords."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from typing_extensions import override


class MicrosoftBackend(ModelBackend):
    """Permissions and the per-request look-up of people; checks no password, ever."""

    @override
    def authenticate(self, *args: Any, **kwargs: Any) -> None:
        """Nobody is authenticated by credentials here: the flow is the only way in."""


class PasswordBackend(ModelBackend):
    """Passwords for ADMIN_PASSWORD_LOGIN, with ModelBackend's timing protection."""
