"""The audit in admin, and its values with translated labels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, Literal

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from typing_extensions import override

from ..audit.actions import ACTIONS, title_of
from ..display import local_time
from ..display.visible import visible
from ..models import AuditEntry
from ..operate.audit_log import COLUMNS, as_values, naming
from . import permissions
from .records import CodeFilter, RecordAdmin

_ISO: Final = re.compile(r"\d{4}-\d\d-\d\d(T|\s|$)")
_LABELS: Final = {
    "at": gettext_lazy("time"),
    "certificate": gettext_lazy("certificate"),
    "client_id": gettext_lazy("client ID"),
    "credential": gettext_lazy("proves itself by"),
    "deleted": gettext_lazy("rows deleted"),
    "domains": gettext_lazy("allowed email domains"),
    "email": gettext_lazy("email address"),
    "groups": gettext_lazy("groups"),
    "hidden": gettext_lazy("hidden"),
    "identity": gettext_lazy("Microsoft identity"),
    "is_active": gettext_lazy("active"),
    "is_staff": gettext_lazy("staff status"),
    "is_superuser": gettext_lazy("superuser status"),
    "kept_days": gettext_lazy("days kept"),
    "key": gettext_lazy("key"),
    "kind": gettext_lazy("kind"),
    "last_tests": gettext_lazy("latest test"),
    "managed_identity": gettext_lazy("managed identity"),
    "name": gettext_lazy("name"),
    "next_certificate": gettext_lazy("next certificate"),
    "next_secret": gettext_lazy("next secret"),
    "next_secret_expires": gettext_lazy("next secret expires on"),
    "of": gettext_lazy("page"),
    "people": gettext_lazy("people"),
    "permissions": gettext_lazy("permissions"),
    "preferred_username": gettext_lazy("sign-in name"),
    "previous_secrets": gettext_lazy("state before the last change"),
    "problems": gettext_lazy("findings"),
    "provider": gettext_lazy("provider"),
    "q": gettext_lazy("search"),
    "reason": gettext_lazy("reason"),
    "secret": gettext_lazy("secret"),
    "secret_expires": gettext_lazy("secret expires on"),
    "sessions": gettext_lazy("sessions"),
    "staff": gettext_lazy("staff status"),
    "superuser": gettext_lazy("superuser status"),
    "tenant": gettext_lazy("tenant"),
}
_VALUES: Final = {
    "none": gettext_lazy("none"),
    "set": gettext_lazy("set"),
    "set anew": gettext_lazy("set anew"),
    "secret": gettext_lazy("secret"),
    "certificate": gettext_lazy("certificate"),
    "managed_identity": gettext_lazy("managed identity"),
    "microsoft": gettext_lazy("Microsoft"),
    "token_file": gettext_lazy("token file"),
    "rehearsal": gettext_lazy("Go-live rehearsal"),
}
_EMPTY: Final[tuple[Any, ...]] = ("", None, [], {})


class ActionFilter(CodeFilter):
    """By the action."""

    title = gettext_lazy("action")
    parameter_name = "action"

    @override
    def titles(self) -> dict[str, str]:
        return {code: title_of(code) for code in ACTIONS}


class AuditAdmin(RecordAdmin):
    """Append-only: `audit` adds."""

    search_hint = gettext_lazy("Search by any part of a name or an address, or by reference.")
    list_display = ("when_and_reference", "what", "who", "whom", "change")
    list_display_links = ("when_and_reference",)
    list_filter = (ActionFilter, "actor_kind", "at")
    list_select_related = ("seal",)
    search_fields = ("reference",)
    search = naming
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

    @admin.display(description=gettext_lazy("time"), ordering="at")
    def when_and_reference(self, entry: AuditEntry) -> str:
        """For the list: both in one column."""
        return format_html("{}<br>{}", local_time.element_of(entry.at), entry.reference)

    @admin.display(description=gettext_lazy("action"))
    def what(self, entry: AuditEntry) -> str:
        return title_of(entry.action)

    @admin.display(description=gettext_lazy("who"))
    def who(self, entry: AuditEntry) -> str:
        return visible(as_values(entry)["who"])

    @admin.display(description=gettext_lazy("to whom or what"), empty_value="-")
    def whom(self, entry: AuditEntry) -> str:
        return visible(as_values(entry)["subject"])

    @admin.display(description=gettext_lazy("before"), empty_value="-")
    def before(self, entry: AuditEntry) -> str:
        return values_in_words(entry, "before")

    @admin.display(description=gettext_lazy("after"), empty_value="-")
    def after(self, entry: AuditEntry) -> str:
        return values_in_words(entry, "after")

    @admin.display(description=gettext_lazy("before and after"), empty_value="-")
    def change(self, entry: AuditEntry) -> str:
        """For the list: the values before as deleted, those after as inserted text."""
        before, after = self.before(entry), self.after(entry)
        old = format_html("<del>{}</del>", before) if before else ""
        new = format_html("<ins>{}</ins>", after) if after else ""
        return format_html("{} {}", old, new) if old or new else ""

    @admin.display(description=gettext_lazy("note"), empty_value="-")
    def note(self, entry: AuditEntry) -> str:
        return visible(as_values(entry)["note"])

    @admin.display(description=gettext_lazy("from where"), empty_value="-")
    def from_where(self, entry: AuditEntry) -> str:
        """The client's address, or the machine and the command."""
        return visible(as_values(entry)["from"])

    @admin.display(description=gettext_lazy("link of the chain"), empty_value="-")
    def link(self, entry: AuditEntry) -> str:
        """Its number and digest, as in `audit verify` and the log."""
        return str(getattr(entry, "seal", "") or "")


def values_in_words(entry: AuditEntry, when: Literal["before", "after"]) -> str:
    """The values before or after: "Superuser status: yes; Name: Ada". Empty ones are left out."""
    subject = [part for part in entry.parts.all() if part.role == "subject"]  # none once erased
    values = (subject and subject[0].content.get(when)) or {}
    labelled = sorted((_label(name), value) for name, value in values.items())
    return "; ".join(f"{label}: {_text(value)}" for label, value in labelled if value not in _EMPTY)


def _label(name: str) -> str:
    """From _LABELS, or the user model's field; a name of another version is its own label."""
    short = name.removeprefix("settings.")
    if short in _LABELS:
        return capfirst(str(_LABELS[short]))
    try:
        field: Any = get_user_model()._meta.get_field(short)
    except FieldDoesNotExist:
        return short
    return capfirst(str(field.verbose_name))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        are_permissions = value and all("." in str(one) for one in value)
        names = [str(one) for one in value]
        return ", ".join(map(visible, permissions.labels_of(names) if are_permissions else names))
    if isinstance(value, dict):
        return ", ".join(_parts(value))
    text = str(value)
    if text in _VALUES:
        return str(_VALUES[text])
    return visible(_date_or_time(text) or text)


def _parts(value: Mapping[str, Any]) -> Iterator[str]:
    for name, part in sorted(value.items()):
        if part not in _EMPTY:
            yield f"{_label(name)} ({_text(part)})"


def _date_or_time(text: str) -> str:
    """An ISO date or time as the site writes it; "" for any other text."""
    if not _ISO.match(text):
        return ""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return ""
    is_date = len(text) == len("2026-11-26")
    return date_format(found, "SHORT_DATE_FORMAT") if is_date else local_time.text_of(found)
