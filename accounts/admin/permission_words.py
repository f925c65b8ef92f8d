"""Permissions in the reader's language: Django keeps their names in English, as data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.apps import apps
from django.contrib.auth import get_permission_codename
from django.contrib.auth.models import Permission
from django.forms import ModelMultipleChoiceField
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as noop
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterable

_BY_DEFAULT: Final = {
    "add": noop("Can add %(what)s"),
    "change": noop("Can change %(what)s"),
    "delete": noop("Can delete %(what)s"),
    "view": noop("Can view %(what)s"),
}


def words_for(permission: Permission) -> str:
    """ "Users: Can view user", as the app and the model call themselves."""
    model = permission.content_type.model_class()
    if model is None:
        return str(permission)
    app = apps.get_app_config(model._meta.app_label).verbose_name
    return f"{app}: {_name(permission, model)}"


def named(names: Iterable[str]) -> list[str]:
    """The same for "app.codename", in their order; one that there is not stands for itself."""
    codenames = {name.partition(".")[2] for name in names}
    found = Permission.objects.filter(codename__in=codenames).select_related("content_type")
    words = {f"{one.content_type.app_label}.{one.codename}": words_for(one) for one in found}
    return [words.get(name, name) for name in names]


class PermissionField(ModelMultipleChoiceField):  # type: ignore[type-arg]
    """Each permission labelled in the reader's language."""

    @override
    def label_from_instance(self, obj: Any) -> str:
        return words_for(obj)


def _name(permission: Permission, model: Any) -> str:
    for action, text in _BY_DEFAULT.items():
        if permission.codename == get_permission_codename(action, model._meta):
            return _(text) % {"what": model._meta.verbose_name}
    return _(permission.name)
