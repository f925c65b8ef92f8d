"""Django's action that deletes what is chosen, with an audit entry for each object.

Django writes the history of several objects at once, of which no signal tells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin import actions
from django.contrib.auth import get_user_model
from django.utils.translation import gettext_lazy

from .. import audit

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin
    from django.db.models import Model, QuerySet
    from django.http import HttpRequest
    from django.template.response import TemplateResponse


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


def _described(one: Model) -> tuple[str, dict[str, str]]:
    key = str(one.pk)
    facts = {"kind": one._meta.label_lower, "key": key, "name": str(one)}
    return (key if isinstance(one, get_user_model()) else "", facts)
