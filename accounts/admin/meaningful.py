"""Which permissions mean something here: those that some page or action asks for.

Judged are the models of this app, of allauth and of Django's own; those of a site's other apps are
theirs to judge.
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from django.apps import apps
from django.contrib.auth import get_permission_codename
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q

from ..app import NAME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.contrib.admin import AdminSite
    from django.contrib.auth.models import Permission
    from django.db.models import Model, QuerySet

_JUDGED: Final = (NAME, "allauth.", "django.contrib.")
_ACTIONS: Final = ("view", "add", "change", "delete")


def only(permissions: QuerySet[Permission], site: AdminSite) -> QuerySet[Permission]:
    """Without those that nothing asks for, and those of models that are gone."""
    gone = [kind.pk for kind in ContentType.objects.all() if kind.model_class() is None]
    return permissions.exclude(reduce(or_, _asked_by_nothing(site), Q(content_type__in=gone)))


def _asked_by_nothing(site: AdminSite) -> Iterator[Q]:
    for config in apps.get_app_configs():
        if config.name.startswith(_JUDGED):
            for model in config.get_models():
                codenames = [
                    get_permission_codename(action, model._meta)
                    for action in _ACTIONS
                    if action in model._meta.default_permissions and not _can(site, model, action)
                ]
                meta = model._meta
                yield Q(
                    content_type__app_label=meta.app_label,
                    content_type__model=meta.model_name,
                    codename__in=codenames,
                )


def _can(site: AdminSite, model: type[Model], action: str) -> bool:
    """Whether admin lets somebody with every permission do this, who is no superuser."""
    page = site._registry.get(model)
    if page is None:
        return False
    editor = SimpleNamespace(pk=None, is_superuser=False, is_active=True, has_perm=_always)
    request: Any = SimpleNamespace(user=editor, method="GET", GET={}, POST={})
    return bool(getattr(page, f"has_{action}_permission")(request))


def _always(*_: Any) -> bool:
    return True
