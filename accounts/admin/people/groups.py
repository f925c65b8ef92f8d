"""Groups in admin: nobody puts rights into a group that they do not hold themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.models import Permission
from typing_extensions import override

from ...signin.mapping import table
from ...signin.roles import Rights, roles_giving
from .. import rights

if TYPE_CHECKING:
    from django.contrib.auth.models import Group
    from django.db.models import ManyToManyField
    from django.forms import ModelMultipleChoiceField
    from django.http import HttpRequest, HttpResponse


class BoundedGroupAdmin(DjangoGroupAdmin):
    """Django's, bounded by the editor's own rights."""

    filter_horizontal = ()
    change_form_template = "microsoft_admin/admin/roles/group_change_form.html"

    @override
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A group that an app role gives is taken out of the mapping first."""
        allowed = super().has_delete_permission(request, obj) and _may_touch(request, obj)
        return allowed and not (obj and roles_of(obj))

    @override
    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Above the form: which app roles give the group."""
        group = self.get_object(request, object_id)
        more = {"roles": roles_of(group) if group else []}
        return super().change_view(request, object_id, form_url, {**more, **(extra_context or {})})

    @override
    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: Any = None, **kwargs: Any
    ) -> ModelMultipleChoiceField[Any] | None:
        """Only rights that the editor holds can be chosen."""
        kwargs["widget"] = rights.Checkboxes()
        if db_field.name == "permissions":
            kwargs["queryset"] = rights.grantable(request.user, Permission.objects.all())
        return super().formfield_for_manytomany(db_field, request, **kwargs)


def roles_of(group: Group) -> list[str]:
    """The app roles that give this group, and so decide who is in it."""
    return roles_giving(table(), table().rows, Rights(groups=frozenset({group.pk})))


def _may_touch(request: HttpRequest, group: Group | None) -> bool:
    return group is None or rights.may_touch_group(request.user, group)
