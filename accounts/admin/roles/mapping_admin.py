"""The mapping of app roles in admin: superusers only, and never saved before its effect is seen."""

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
    """One role; refused until its effect on more than a few people was seen and confirmed."""

    changes: tuple[Change, ...] = ()

    class Meta:
        model = RoleMapping
        fields = ("value", "is_staff", "is_superuser", "groups")

    def clean_value(self) -> str:
        """As it is kept, so that the same Object ID in capitals is seen to be there."""
        return as_mapped(self.cleaned_data["value"])

    @property
    def row(self) -> Row:
        """What is asked for."""
        asked = self.cleaned_data
        names = tuple(sorted(group.name for group in asked["groups"]))
        value = self.instance.value if self.instance.pk else asked["value"]
        return Row(value, asked["is_staff"], asked["is_superuser"], names)

    @property
    def digest(self) -> str:
        """Names the changes that are shown."""
        return roles.digest_of(self.changes)

    @override
    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors:
            self._see_its_effect()
        return cleaned

    def _see_its_effect(self) -> None:
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
    actions = None  # taking one out shows whom it changes

    @override
    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Another value is another role: it is taken out, and the other one added."""
        return ("value",) if obj else ()

    @override
    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("groups")

    @override
    def save_model(self, request: HttpRequest, obj: RoleMapping, form: Any, change: bool) -> None:
        """By the service that the command uses, which tells the audit."""
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
        """Whom it changes stands above the question."""
        found = self.get_object(request, object_id) if self.has_view_permission(request) else None
        changes = roles.preview(remove=found.value) if found else []
        return super().delete_view(
            request, object_id, {"changes": changes, **(extra_context or {})}
        )

    @admin.display(description=gettext_lazy("gives"), empty_value="-")
    def gives(self, mapping: RoleMapping) -> str:
        """All that it gives, in one line."""
        flags = {_("staff status"): mapping.is_staff, _("superuser status"): mapping.is_superuser}
        groups = sorted(group.name for group in mapping.groups.all())
        return ", ".join([*(name for name, given in flags.items() if given), *groups])
