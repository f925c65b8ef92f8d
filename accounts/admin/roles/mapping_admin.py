"""The mapping of app roles in admin, for superusers only."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from typing_extensions import override

from ...models import RoleMapping
from ...operate import OperatorError, roles
from ...operate.roles import Change, Row
from ...signin.mapping import as_mapped
from ..model_admin import StaffModelAdmin, SuperusersOnly
from ..rights import RightsAdmin

CONFIRMED = "confirmed"


class RoleMappingForm(forms.ModelForm):  # type: ignore[type-arg]
    """One role; invalid until its effect on more than a few people has been confirmed."""

    changes: tuple[Change, ...] = ()

    class Meta:
        model = RoleMapping
        fields = ("value", "is_staff", "is_superuser", "groups")

    def clean_value(self) -> str:
        """As it is stored, so that the same Object ID in capitals is not unique."""
        return as_mapped(self.cleaned_data["value"])

    @property
    def row(self) -> Row:
        """The input as a row of the mapping."""
        data = self.cleaned_data
        names = tuple(sorted(group.name for group in data["groups"]))
        value = self.instance.value if self.instance.pk else data["value"]
        return Row(value, data["is_staff"], data["is_superuser"], names)

    @property
    def digest(self) -> str:
        """Identifies the changes that are shown."""
        return roles.digest_of(self.changes)

    @override
    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors:
            self._preview()
        return cleaned

    def _preview(self) -> None:
        try:
            roles.check(self.row)
            changes = tuple(roles.preview(self.row))
        except OperatorError as invalid:
            raise ValidationError(str(invalid)) from None
        if len(changes) <= roles.UNCONFIRMED or self.data.get(CONFIRMED) == roles.digest_of(
            changes
        ):
            return
        self.changes = changes
        raise ValidationError(
            _("Nothing was saved yet: %(count)d people would have other rights."),
            params={"count": len(changes)},
        )


class RoleMappingAdmin(StaffModelAdmin, RightsAdmin, SuperusersOnly):
    """What app roles of Entra give here."""

    form = RoleMappingForm
    change_form_template = "microsoft_admin/admin/roles/change_form.html"
    change_list_template = "microsoft_admin/admin/roles/change_list.html"
    delete_confirmation_template = "microsoft_admin/admin/roles/delete_confirmation.html"
    list_display = ("value", "gives")
    actions = None  # a role is deleted on its own page, which shows the effect

    @override
    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Another value is another role, to be added in place of this one."""
        return ("value",) if obj else ()

    @override
    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("groups")

    @override
    def save_model(self, request: HttpRequest, obj: RoleMapping, form: Any, change: bool) -> None:
        """By the service that the command uses, which writes the audit entry."""
        obj.pk = roles.save(form.row)
        obj._state.adding = False
        if count := len(roles.with_unknown_roles()):
            text = ngettext(
                "%(count)d person holds what is mapped and has not signed in since: without a role"
                " they will lose it. The go-live rehearsal tells it from a file.",
                "%(count)d people hold what is mapped and have not signed in since: without a role"
                " they will lose it. The go-live rehearsal tells it from a file.",
                count,
            )
            messages.warning(request, text % {"count": count})

    @override
    def delete_model(self, request: HttpRequest, obj: RoleMapping) -> None:
        roles.remove(obj.value)

    @override
    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """With the people whose rights change."""
        role = self.get_object(request, object_id) if self.has_view_permission(request) else None
        changes = roles.preview(remove=role.value) if role else []
        return super().delete_view(
            request, object_id, {"changes": changes, **(extra_context or {})}
        )

    @admin.display(description=gettext_lazy("gives"), empty_value="-")
    def gives(self, mapping: RoleMapping) -> str:
        flags = {_("staff status"): mapping.is_staff, _("superuser status"): mapping.is_superuser}
        groups = sorted(group.name for group in mapping.groups.all())
        return ", ".join([*(name for name, given in flags.items() if given), *groups])
