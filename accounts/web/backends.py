"""Authentication backends: Microsoft alone, or beside it Django's passwords."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission
from django.core.exceptions import ImproperlyConfigured
from django.db.models import QuerySet
from django.utils.module_loading import import_string
from typing_extensions import override

from ..conf import is_a_host
from ..stores.prepared_queries import Prepared
from ..users import everyone

_by_key = Prepared(lambda pk: everyone().filter(pk=pk))
_permissions_of = Prepared(
    lambda pk: _named(Permission.objects.filter(user=pk)).union(
        _named(Permission.objects.filter(group__user=pk))
    )
)


class MicrosoftBackend(ModelBackend):
    """Permissions and the user of each request, in fewer queries than Django's; no passwords.

    Another site's user model may have queries of its own, so Django's are used there.
    """

    @override
    def get_user(self, user_id: Any) -> Any:
        if is_a_host():
            return super().get_user(user_id)
        return next(filter(self.user_can_authenticate, _by_key(user_id)), None)

    @override
    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """The user's and their groups', in one query."""
        if is_a_host() or obj or not user_obj.is_active or user_obj.is_superuser:
            return super().get_all_permissions(user_obj, obj)
        if not hasattr(user_obj, "_perm_cache"):
            user_obj._perm_cache = {f"{app}.{name}" for app, name in _permissions_of(user_obj.pk)}
        found: set[str] = user_obj._perm_cache
        return found

    @override
    def authenticate(self, *args: Any, **kwargs: Any) -> None:
        """Never by credentials: people sign in through the flow only."""


def _named(permissions: QuerySet[Permission]) -> QuerySet[Permission, tuple[str, str]]:
    return permissions.order_by().values_list("content_type__app_label", "codename")


class PasswordBackend(ModelBackend):
    """Passwords for ADMIN_PASSWORD_LOGIN, with ModelBackend's timing protection."""


def session_backend() -> str:
    """The backend for sessions: this app's, else the first that loads users from the database.

    Other backends may come before it (axes, guardian), which load nobody.
    """
    backends = {path: import_string(path) for path in settings.AUTHENTICATION_BACKENDS}
    for kind in (MicrosoftBackend, ModelBackend):
        for path, backend in backends.items():
            if issubclass(backend, kind):
                return path
    raise ImproperlyConfigured("AUTHENTICATION_BACKENDS has none that looks people up.")
