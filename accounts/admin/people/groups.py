"""Groups in admin: nobody puts rights into a group that they do not hold themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.models import Permission
from typing_extensions import override

from .. import rights

if TYPE_CHECKING:
    from django.contrib.auth.models import Group
    from django.db.models import ManyToManyField
    from django.forms import ModelMultipleChoiceField
    from django.http import HttpRequest


class BoundedGroupAdmin(DjangoGroupAdmin):
    """Django's, bounded by the editor's own rights."""

    filter_horizontal = ()

    @override
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_touch(request, obj)

    @override
    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: Any = None, **kwargs: Any
    ) -> ModelMultipleChoiceField[Any] | None:
        """Only rights that the editor holds can be chosen."""
        kwargs["widget"] = rights.Checkboxes()
        if db_field.name == "permissions":
            kwargs["queryset"] = rights.grantable(request.user, Permission.objects.all())
        return super().formfield_for_manytomany(db_field, request, **kwargs)


def _may_touch(request: HttpRequest, group: Group | None) -> bool:
    return group is None or rights.may_touch_group(request.user, group)
