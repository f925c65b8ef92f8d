"""Base classes of this app's model pages: translated history, long lists, superusers only."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Final

from django.apps import apps
from django.contrib import admin
from django.contrib.admin import ModelAdmin, ShowFacets, actions
from django.contrib.auth import get_user_model
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.functional import cached_property
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as noop
from typing_extensions import override

from .. import audit, users
from ..models import SignIn

BOUND: Final = 10_000
# Messages that this app writes into histories, in English; a colon and a reason may follow.
_MESSAGES: Final = (
    noop("Signed out everywhere"),
    noop("Deactivated"),
    noop("Reactivated"),
    noop("Undid the last change."),
    noop("Ended sessions: %(count)s"),
    noop("Added to the group %(group)s"),
    noop("Microsoft identity %(old)s unlinked on the command line"),
    noop("Microsoft identity %(old)s unlinked"),
    noop("Microsoft identity %(old)s replaced by %(new)s"),
    noop("Email address %(old)s replaced by %(new)s"),
)
_PLACEHOLDER: Final = re.compile(r"%\\\((\w+)\\\)s")


def render(
    request: HttpRequest,
    template: str,
    title: Any,
    context: dict[str, Any],
    page: ModelAdmin[Any] | None = None,
) -> HttpResponse:
    """A page that is no list or form; `page` is the ModelAdmin that it belongs to, if any.

    `subject` in the context is the object that it is about.
    """
    site, opts = (page.admin_site, page.opts) if page else (admin.site, SignIn._meta)
    shared = {**site.each_context(request), "title": title, "opts": opts, "of_model": bool(page)}
    return TemplateResponse(request, f"microsoft_admin/admin/{template}", {**shared, **context})


class StaffModelAdmin(ModelAdmin):  # type: ignore[type-arg]
    """Translates the history, and leaves rows of many-to-many tables out of deletions."""

    object_history_template = "microsoft_admin/admin/object_history.html"

    @override
    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Django translates its own messages only."""
        response = super().history_view(request, object_id, extra_context)
        page = (getattr(response, "context_data", None) or {}).get("action_list")
        if page is not None:
            page.object_list = list(page.object_list)
            for entry in page.object_list:
                entry.change_message = translated(entry.get_change_message())
        return response

    @override
    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        tree, counts, missing, protected = super().get_deleted_objects(objs, request)
        every = apps.get_models(include_auto_created=True)
        joins = [model._meta for model in every if model._meta.auto_created]
        starts = tuple(f"{capfirst(str(meta.verbose_name))}: " for meta in joins)
        names = {str(meta.verbose_name_plural) for meta in joins}
        left = {name: count for name, count in counts.items() if str(name) not in names}
        return _pruned(tree, starts), left, missing, protected


class SuperusersOnly(ModelAdmin):  # type: ignore[type-arg]
    """For superusers only, whatever permissions others have."""

    @override
    def has_module_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_active and users.is_superuser(request.user))

    has_view_permission = has_module_permission
    has_add_permission = has_module_permission
    has_change_permission = has_module_permission
    has_delete_permission = has_module_permission


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than BOUND, since a COUNT of a million rows takes longer than a page.

    Older rows are found by date, filter or search.
    """

    @cached_property
    @override
    def count(self) -> int:
        """How many rows there are, or BOUND."""
        rows: Any = self.object_list
        return int(rows.order_by().values("pk")[:BOUND].count())


class LongList(ModelAdmin):  # type: ignore[type-arg]
    """Lists too long to be counted or shown in full, with a search of their own."""

    search: ClassVar[Callable[[QuerySet[Any], str], QuerySet[Any]]]

    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 0

    @override
    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return type(self).search(queryset, search_term.strip()), False


@admin.action(
    permissions=["delete"],
    description=gettext_lazy("Delete selected %(verbose_name_plural)s"),
)
def delete_selected(
    page: ModelAdmin[Any], request: HttpRequest, queryset: QuerySet[Any]
) -> TemplateResponse | None:
    """Django's action, with an audit entry for each object.

    Django writes the history of several objects by bulk_create, which sends no signals.
    """
    chosen = [_described(one) for one in queryset] if request.POST.get("post") else []
    response = actions.delete_selected(page, request, queryset)
    if response is None and len(chosen) > 1:
        for about, facts in chosen:
            audit.write("admin.deleted", after=facts, about=about)
    return response


def translated(message: str) -> str:
    """The message translated if it is one of this app's, else as it is."""
    for text in _MESSAGES:
        pattern = _PLACEHOLDER.sub(r"(?P<\1>.+?)", re.escape(text))
        if match := re.fullmatch(rf"{pattern}(?P<reason_>: .*)?", message, re.DOTALL):
            values = match.groupdict()
            return _(text) % values + (values["reason_"] or "")
    return message


def _pruned(tree: Iterable[Any], starts: tuple[str, ...]) -> list[Any]:
    """The nested lists without texts that start with one of these."""
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
