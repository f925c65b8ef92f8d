"""What the sign-in record and the audit share: rows are read, searched, exported, never changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy
from typing_extensions import override

from .. import audit
from ..display import local_time
from . import csv_export
from .model_admin import LongList


class CodeFilter(SimpleListFilter):
    """Rows with one code in the field `parameter_name`; codes are offered by their titles."""

    def titles(self) -> Mapping[str, str]:
        """The titles by code."""
        raise NotImplementedError

    @override
    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return sorted(self.titles().items(), key=itemgetter(1))

    @override
    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        code = self.value()
        return queryset.filter(**{str(self.parameter_name): code}) if code else queryset


class RecordAdmin(LongList):
    """Rows with a time `at`, newest first. `exported`: the CSV's name and the audit's action."""

    search_hint: ClassVar[Any]
    exported: ClassVar[tuple[str, str]]
    columns: ClassVar[Sequence[str]]
    as_values: ClassVar[Callable[[Any], Mapping[str, Any]]]

    change_list_template = "microsoft_admin/admin/records.html"
    sortable_by = ("when",)
    ordering = ("-at",)
    actions = None

    @override
    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    has_change_permission = has_add_permission
    has_delete_permission = has_add_permission

    @override
    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Only by what the page offers: other fields could be guessed value by value."""
        offered = {getattr(one, "parameter_name", one) for one in self.list_filter}
        hidden = {one.name for one in self.opts.get_fields()} - offered - {"at", "user"}
        asked: Any = request
        return lookup.split("__")[0] not in hidden and super().lookup_allowed(lookup, value, asked)

    @override
    def get_urls(self) -> list[URLPattern]:
        view, name = self.admin_site.admin_view(self.export), self.opts.model_name
        name = f"{self.opts.app_label}_{name}_export"
        return [path("export/", view, name=name), *super().get_urls()]

    def export(self, request: HttpRequest) -> StreamingHttpResponse:
        """The list's rows, filtered and searched, as CSV. Raises PermissionDenied, BadRequest."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            rows = self.get_changelist_instance(request).get_queryset(request)
        except IncorrectLookupParameters as error:
            raise BadRequest("No such filter.") from error
        name, action = self.exported
        audit.write(action, after=request.GET.dict())
        found = csv_export.newest_first(rows)
        return csv_export.download(name, map(type(self).as_values, found), self.columns)

    @admin.display(description=gettext_lazy("time"), ordering="at")
    def when(self, row: Any) -> str:
        """In the site's zone and beside it the reader's."""
        return local_time.element_of(row.at)
