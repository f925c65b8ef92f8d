"""What an editor may do on people's pages: nothing that goes beyond their own rights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import PermissionDenied
from django.http import Http404
from typing_extensions import override

from ... import users
from ...app import permission
from ...conf import conf
from ...signin import mapping
from .. import meaningful, rights
from ..permission_words import PermissionField

if TYPE_CHECKING:
    from django.db.models import ManyToManyField
    from django.forms import ModelMultipleChoiceField
    from django.http import HttpRequest

    from ...models import User

    Base = UserAdmin[User]
else:
    Base = UserAdmin

GIVEN = ("groups", "user_permissions")
SWITCHES = ("is_active", "is_staff", "is_superuser")


class BoundedUserAdmin(Base):
    """Django's admin for users, bounded by the rights of whoever edits."""

    # Django's filter_horizontal hides its labels from assistive technology.
    filter_horizontal = ()

    @override
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_delete_permission(request, obj) and not _is_oneself(request, obj)
        return allowed and _may_touch(request, obj)

    def has_change_user_permission(self, request: HttpRequest) -> bool:
        """For the actions that ask for `change_user`."""
        return self.has_change_permission(request)

    def has_end_sessions_permission(self, request: HttpRequest) -> bool:
        """For the action that signs people out."""
        return request.user.has_perm(permission("end_sessions"))

    @override
    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Superusers alone make superusers and change addresses, by which people first come in.

        Nobody switches themselves off, and nobody else gives themselves rights: what they hold by
        one way they would keep when that way ends.
        """
        fields = tuple(super().get_readonly_fields(request, obj))
        own = SWITCHES if _is_oneself(request, obj) else ()
        fields = (*fields, *managed_flags())
        if users.is_superuser(request.user):
            return (*fields, *own)
        rights_of_own = GIVEN if own else ()
        return (*fields, *own, *rights_of_own, "is_superuser", *(("email",) if obj else ()))

    @override
    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: Any = None, **kwargs: Any
    ) -> ModelMultipleChoiceField[Any] | None:
        """Only rights that the editor holds can be chosen."""
        kwargs["widget"] = rights.Checkboxes()
        if db_field.name == "groups":
            kwargs["queryset"] = rights.grantable_groups(request.user, Group.objects.all())
        if db_field.name == "user_permissions":
            every = Permission.objects.select_related("content_type")
            some = meaningful.only(every, self.admin_site)
            kwargs["form_class"] = PermissionField
            kwargs["queryset"] = rights.grantable(request.user, some)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    @override
    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:
        """Passwords exist with ADMIN_PASSWORD_LOGIN only; who sets one can be that person."""
        if not conf.ADMIN_PASSWORD_LOGIN:
            raise Http404
        if not users.is_superuser(request.user):
            raise PermissionDenied
        return super().user_change_password(request, id, form_url)


def managed_flags() -> tuple[str, ...]:
    """The fields that app roles set at each sign-in: what is ticked in admin would not last."""
    managed = mapping.table().managed
    flags = {"is_staff": managed.staff, "is_superuser": managed.superuser}
    return tuple(name for name, is_managed in flags.items() if is_managed)


def _may_touch(request: HttpRequest, person: Any) -> bool:
    return person is None or rights.may_touch(request.user, person)


def _is_oneself(request: HttpRequest, person: Any) -> bool:
    return person is not None and person.pk == request.user.pk
