"""Whom an editor may change: nobody with rights beyond the editor's own.

Django lets staff with `change_user` make anybody a superuser, themselves too, or give rights that
they lack. Here only superusers change superusers, and everyone else only people and groups whose
rights they hold themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.auth.models import Group, Permission
from django.db.models import ManyToManyField, Q, QuerySet
from django.forms import CheckboxSelectMultiple
from django.http import HttpRequest
from typing_extensions import override

from .. import users
from ..models import User
from ..signin import mapping
from . import permissions


class Checkboxes(CheckboxSelectMultiple):
    """Rights as check boxes; long lists scroll."""

    class Media:
        js = ("microsoft_admin/checkboxes.js",)

    def __init__(self) -> None:
        super().__init__(attrs={"class": "staff-right"})


class RightsAdmin(ModelAdmin):  # type: ignore[type-arg]
    """Forms that offer only rights that the editor holds."""

    filter_horizontal = ()  # Django's hides its labels from assistive technology

    @override
    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: Any = None, **kwargs: Any
    ) -> Any:
        kwargs["widget"] = Checkboxes()
        if db_field.related_model is Permission:
            kwargs["form_class"] = permissions.PermissionField
            kwargs["queryset"] = grantable(request.user, self.admin_site)
        elif db_field.model is User:  # a role is mapped to any group
            kwargs["queryset"] = grantable_groups(request.user)
        return super().formfield_for_manytomany(db_field, request, **kwargs)


class BoundedAdmin(RightsAdmin):
    """Objects that an editor may change or delete only if `may_touch(editor, object)`."""

    may_touch: ClassVar[Callable[[Any, Any], bool]]

    @override
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or type(self).may_touch(request.user, obj))

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_delete_permission(request, obj)
        return allowed and (obj is None or type(self).may_touch(request.user, obj))


def may_touch(editor: Any, person: User) -> bool:
    """Whether the editor's rights cover all of the person's, active or not."""
    if users.is_superuser(editor):
        return True
    return not users.is_superuser(person) and _names(_of_person(person)) <= held_for_good(editor)


def may_touch_group(editor: Any, group: Group) -> bool:
    """Whether the editor holds all of the group's rights, and is not in it.

    In their own group editors could keep for good what they hold through another one.
    """
    if users.is_superuser(editor):
        return True
    if group.user_set.filter(pk=editor.pk).exists():
        return False
    return _names(Permission.objects.filter(group=group)) <= held_for_good(editor)


def grantable(editor: Any, site: AdminSite) -> QuerySet[Permission]:
    """The permissions that the editor holds, and so may give."""
    every = permissions.in_use(site)
    return every if users.is_superuser(editor) else every.filter(pk__in=_held_by(editor))


def grantable_groups(editor: Any) -> QuerySet[Group]:
    """The groups whose every right the editor holds, and that no app role manages."""
    groups = Group.objects.exclude(pk__in=mapping.table().managed.groups)
    if users.is_superuser(editor):
        return groups
    lacking = Permission.objects.exclude(pk__in=_held_by(editor))
    return groups.exclude(permissions__in=lacking)


def held_for_good(editor: Any) -> frozenset[str]:
    """The stored permissions of the editor and their groups, as "app.codename".

    Not those that another backend or a session adds.
    """
    return frozenset(_names(_held_by(editor)))


def _held_by(editor: Any) -> QuerySet[Permission]:
    return _of_person(editor) if editor.is_active else Permission.objects.none()


def _of_person(person: User) -> QuerySet[Permission]:
    """Their own and their groups' permissions, also of an inactive person."""
    return Permission.objects.filter(Q(user=person) | Q(group__user=person)).distinct()


def _names(permissions: QuerySet[Permission]) -> set[str]:
    named = permissions.order_by().values_list("content_type__app_label", "codename")
    return {f"{app}.{codename}" for app, codename in named}
