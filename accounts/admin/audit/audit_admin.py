"""The audit in admin: read it, search it, download it as CSV; nobody changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.utils.html import format_html
from django.utils.translation import gettext_lazy
from typing_extensions import override

from ... import local_time
from ...audit.actions import ACTIONS, title_of
from ...models import AuditEntry
from ...operate.audit_log import COLUMNS, as_values, naming
from ...visible import visible
from ..records import RecordAdmin
from . import facts

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest


class ActionFilter(SimpleListFilter):
    """By what was done."""

    title = gettext_lazy("action")
    parameter_name = "action"

    @override
    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return sorted(((code, title_of(code)) for code in ACTIONS), key=lambda pair: pair[1])

    @override
    def queryset(
        self, request: HttpRequest, queryset: QuerySet[AuditEntry]
    ) -> QuerySet[AuditEntry]:
        return queryset.filter(action=self.value()) if self.value() else queryset


class AuditAdmin(RecordAdmin):
    """Append-only: `audit` adds."""

    change_list_template = "microsoft_admin/admin/auditentry/change_list.html"
    list_display = ("when_and_reference", "what", "who", "whom", "change")
    list_display_links = ("when_and_reference",)
    list_filter = (ActionFilter, "actor_kind", "at")
    list_select_related = ("seal",)
    search_fields = ("reference",)
    sortable_by = ("when_and_reference",)
    exported = ("audit", "export.audit")
    columns = COLUMNS
    as_values = as_values
    fieldsets = (
        (
            gettext_lazy("What happened"),
            {"fields": ("when", "what", "whom", "before", "after", "note", "reference")},
        ),
        (gettext_lazy("Who"), {"fields": ("who", "actor_kind", "from_where")}),
        (gettext_lazy("Proof"), {"fields": ("link",)}),
    )

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        return super().get_queryset(request).prefetch_related("parts")

    @override
    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEntry], search_term: str
    ) -> tuple[QuerySet[AuditEntry], bool]:
        """Any part of a name or an address, a reference, or a primary key."""
        return naming(queryset, search_term.replace("\0", "").strip()), False

    @admin.display(description=gettext_lazy("time"), ordering="at")
    def when_and_reference(self, entry: AuditEntry) -> str:
        """For the list: one column for what tells this entry from all others."""
        return format_html("{}<br>{}", local_time.element_of(entry.at), entry.reference)

    @admin.display(description=gettext_lazy("action"))
    def what(self, entry: AuditEntry) -> str:
        """What was done."""
        return title_of(entry.action)

    @admin.display(description=gettext_lazy("who"))
    def who(self, entry: AuditEntry) -> str:
        """Who did it."""
        return visible(as_values(entry)["who"])

    @admin.display(description=gettext_lazy("to whom or what"), empty_value="-")
    def whom(self, entry: AuditEntry) -> str:
        """To whom or what it was done."""
        return visible(as_values(entry)["subject"])

    @admin.display(description=gettext_lazy("before"), empty_value="-")
    def before(self, entry: AuditEntry) -> str:
        """What it was before."""
        return facts.in_words(_said(entry).get("before"))

    @admin.display(description=gettext_lazy("after"), empty_value="-")
    def after(self, entry: AuditEntry) -> str:
        """What it is now."""
        return facts.in_words(_said(entry).get("after"))

    @admin.display(description=gettext_lazy("before and after"), empty_value="-")
    def change(self, entry: AuditEntry) -> str:
        """For the list: what it was, struck out, and what it is now."""
        before, after = self.before(entry), self.after(entry)
        old = format_html("<del>{}</del>", before) if before else ""
        new = format_html("<ins>{}</ins>", after) if after else ""
        return format_html("{} {}", old, new) if old or new else ""

    @admin.display(description=gettext_lazy("note"), empty_value="-")
    def note(self, entry: AuditEntry) -> str:
        """The reason that was given."""
        return visible(as_values(entry)["note"])

    @admin.display(description=gettext_lazy("from where"), empty_value="-")
    def from_where(self, entry: AuditEntry) -> str:
        """The address, or the machine and the command."""
        return visible(as_values(entry)["from"])

    @admin.display(description=gettext_lazy("link of the chain"), empty_value="-")
    def link(self, entry: AuditEntry) -> str:
        """Its number and digest, as `audit verify` and the log have them."""
        return str(getattr(entry, "seal", "") or "")


def _said(entry: AuditEntry) -> dict[str, Any]:
    """What was before and after, by key; empty once it is erased."""
    return next((part.content for part in entry.parts.all() if part.role == "subject"), {})
