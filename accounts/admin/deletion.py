"""Django's action that deletes what is chosen, with an audit entry for each object.

Django writes the history of several objects at once, of which no signal tells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.contrib import admin
from django.contrib.admin import actions
from django.contrib.auth import get_user_model
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy
from typing_extensions import override

from .. import audit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.contrib.admin import ModelAdmin
    from django.db.models import Model, QuerySet
    from django.http import HttpRequest
    from django.template.response import TemplateResponse

    Base = admin.ModelAdmin[Any]
else:
    Base = admin.ModelAdmin


@admin.action(
    permissions=["delete"],
    description=gettext_lazy("Delete selected %(verbose_name_plural)s"),
)
def delete_selected(
    page: ModelAdmin[Any], request: HttpRequest, queryset: QuerySet[Any]
) -> TemplateResponse | None:
    """The confirmation, or None once everything is deleted."""
    chosen = [_described(one) for one in queryset] if request.POST.get("post") else []
    response = actions.delete_selected(page, request, queryset)
    if response is None and len(chosen) > 1:
        for about, facts in chosen:
            audit.write("admin.deleted", after=facts, about=about)
    return response


class WithoutJoinRows(Base):
    """For a ModelAdmin: what goes with it is listed without the rows that only join two tables."""

    @override
    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        tree, counts, missing, protected = super().get_deleted_objects(objs, request)
        every = apps.get_models(include_auto_created=True)
        joins = [model._meta for model in every if model._meta.auto_created]
        starts = tuple(f"{capfirst(str(meta.verbose_name))}: " for meta in joins)
        names = {str(meta.verbose_name_plural) for meta in joins}
        left = {name: count for name, count in counts.items() if str(name) not in names}
        return _pruned(tree, starts), left, missing, protected


def _pruned(tree: Iterable[Any], starts: tuple[str, ...]) -> list[Any]:
    """Lists within lists, less the texts that start so."""
    kept = (
        _pruned(one, starts) if isinstance(one, list) else one
        for one in tree
        if isinstance(one, list) or not str(one).startswith(starts)
    )
    return [one for one in kept if one != []]


def _described(one: Model) -> tuple[str, dict[str, str]]:
    key = str(one.pk)
    facts = {"kind": one._meta.label_lower, "key": key, "name": str(one)}
    return (key if isinstance(one, get_user_model()) else "", facts)
