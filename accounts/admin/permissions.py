"""Permissions as admin offers them: those that a page or action checks, with translated labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache, reduce
from operator import or_
from types import SimpleNamespace
from typing import Any, Final

from django.apps import apps
from django.contrib.admin import AdminSite
from django.contrib.auth import get_permission_codename
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, Q, QuerySet
from django.forms import ModelMultipleChoiceField
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as noop
from typing_extensions import override

from ..app import NAME

# Apps whose unused permissions are left out; those of a site's other apps are all offered.
_KNOWN_APPS: Final = (NAME, "allauth.", "django.contrib.")
# Django stores the names in English.
_BY_DEFAULT: Final = {
    "add": noop("Can add %(what)s"),
    "change": noop("Can change %(what)s"),
    "delete": noop("Can delete %(what)s"),
    "view": noop("Can view %(what)s"),
}


class PermissionField(ModelMultipleChoiceField):  # type: ignore[type-arg]
    """Permissions with labels in the reader's language."""

    @override
    def label_from_instance(self, obj: Any) -> str:
        return label_of(obj)


def label_of(permission: Permission) -> str:
    """ "Users: Can view user", with the verbose names of app and model."""
    model = permission.content_type.model_class()
    return _label(model, permission.codename, permission.name) if model else str(permission)


def labels_of(names: Iterable[str]) -> list[str]:
    """The same for "app.codename", in order; an unknown name is its own label."""
    known = _known()
    return [_label(*known[name]) if name in known else name for name in names]


def in_use(site: AdminSite) -> QuerySet[Permission]:
    """All permissions but those that nothing checks and those of deleted models."""
    deleted = [kind.pk for kind in ContentType.objects.all() if kind.model_class() is None]
    unused = reduce(or_, _unchecked(site), Q(content_type__in=deleted))
    return Permission.objects.select_related("content_type").exclude(unused)


def _label(model: type[Model], codename: str, name: str) -> str:
    meta = model._meta
    default = {get_permission_codename(action, meta): text for action, text in _BY_DEFAULT.items()}
    text = default.get(codename)
    label = _(text) % {"what": meta.verbose_name} if text else _(name)
    return f"{apps.get_app_config(meta.app_label).verbose_name}: {label}"


@cache
def _known() -> dict[str, tuple[type[Model], str, str]]:
    """The permissions of all models, by "app.codename"."""
    found = {}
    for model in apps.get_models():
        meta = model._meta
        default = [
            (get_permission_codename(action, meta), f"Can {action} {meta.verbose_name_raw}")
            for action in meta.default_permissions
        ]
        for codename, name in (*default, *meta.permissions):
            found[f"{meta.app_label}.{codename}"] = (model, codename, str(name))
    return found


def _unchecked(site: AdminSite) -> Iterator[Q]:
    models = (c.get_models() for c in apps.get_app_configs() if c.name.startswith(_KNOWN_APPS))
    for model in (model for of_app in models for model in of_app):
        meta = model._meta
        actions = [action for action in _BY_DEFAULT if action in meta.default_permissions]
        yield Q(
            content_type__app_label=meta.app_label,
            content_type__model=meta.model_name,
            codename__in=[
                get_permission_codename(action, meta)
                for action in actions
                if not _is_allowed(site, model, action)
            ],
        )


def _is_allowed(site: AdminSite, model: type[Model], action: str) -> bool:
    """Whether admin lets a person with all permissions, but no superuser, do this."""
    page = site._registry.get(model)
    if page is None:
        return False
    editor = SimpleNamespace(pk=None, is_superuser=False, is_active=True, has_perm=_always)
    request: Any = SimpleNamespace(user=editor, method="GET", GET={}, POST={})
    return bool(getattr(page, f"has_{action}_permission")(request))


def _always(*_: Any) -> bool:
    return True
