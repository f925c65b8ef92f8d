"""People in admin: added by email, with their state, identity, rights and actions."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Q
from django.db.models.functions import Upper
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy
from typing_extensions import override

from ... import users
from ...conf import conf
from ...display import local_time
from ...models import User
from ...operate import addresses, search
from ...signin import mapping
from .. import rights
from ..model_admin import LongList, StaffModelAdmin
from ..rights import BoundedAdmin
from . import add_several, person_page
from .actions import ACTIONS, ADD_TO_GROUP
from .add_several import RIGHTS_FIELDS
from .mixin import PersonPages
from .people_list import IdleFilter, LinkedFilter, PeopleChangeList, StateFilter

FLAGS: Final = ("is_active", "is_staff", "is_superuser")


class AddressMixin(forms.ModelForm):  # type: ignore[type-arg]
    """Refuses an address with an invisible or look-alike character, and names it."""

    def clean_email(self) -> str:
        """The address; one that was stored before is not judged. Raises ValidationError."""
        email = str(self.cleaned_data["email"])
        if "email" in self.changed_data and (problem := addresses.problem_of(email)):
            raise ValidationError(problem)
        return email


class AddPersonForm(AddressMixin):
    """Asks for an email address, and no password."""

    class Meta:
        model = User
        fields = ("email", "name")
        help_texts = {
            "email": gettext_lazy(
                "The address that Microsoft knows the person by, letter for letter."
            ),
        }

    @override
    def save(self, commit: bool = True) -> Any:
        self.instance.set_unusable_password()
        return super().save(commit)


class PersonForm(AddressMixin):
    """All that can be changed of a person; PersonAdmin makes read-only what the editor may not."""

    class Meta:
        model = User
        fields = ("email", "name", *FLAGS, *RIGHTS_FIELDS)

    def clean_groups(self) -> Any:
        """The chosen groups, and those held by app role, which cannot be chosen here."""
        chosen = self.cleaned_data["groups"]
        held = Q(user=self.instance, pk__in=mapping.table().managed.groups)
        keys = Group.objects.filter(held).values("pk")
        return Group.objects.filter(Q(pk__in=chosen.values("pk")) | Q(pk__in=keys))


class PersonAdmin(StaffModelAdmin, LongList, PersonPages, BoundedAdmin, UserAdmin):  # type: ignore[type-arg]
    """People by email. Nobody does anything here that goes beyond their own rights."""

    form = PersonForm
    add_form = AddPersonForm
    add_form_template = None
    change_form_template = "microsoft_admin/admin/user/change_form.html"
    change_list_template = "microsoft_admin/admin/user/change_list.html"
    fieldsets = (
        (None, {"fields": ("email", "name")}),
        (gettext_lazy("Sign-in"), {"fields": ("last_sign_in", "added")}),
        (gettext_lazy("Permissions"), {"fields": (*FLAGS, "groups", "user_permissions")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name")}),)
    readonly_fields = ("last_sign_in", "added")
    list_display = ("shown_email", "name", "shown_state", "shown_identity", "last_sign_in")
    list_filter = (
        StateFilter,
        IdleFilter,
        LinkedFilter,
        "is_active",
        "is_staff",
        "is_superuser",
        "groups",
    )
    sortable_by = ("shown_email", "last_sign_in")
    ordering = (Upper("email"),)
    search_fields = ("email", "name")
    search = search.people
    may_touch = rights.may_touch
    people_actions = (ADD_TO_GROUP, *ACTIONS.values())

    @override
    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[PeopleChangeList]:
        return PeopleChangeList

    @override
    def get_urls(self) -> list[URLPattern]:
        named = f"{self.opts.app_label}_{self.opts.model_name}_add_several"
        several = self.admin_site.admin_view(add_several.page(self))
        return [path("add-several/", several, name=named), *super().get_urls()]

    @override
    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Beside the form: the person's identity, sign-ins and sessions."""
        may = self.has_view_or_change_permission(request)
        more = person_page.context(self, request, object_id) if may else {}
        return super().change_view(request, object_id, form_url, {**more, **(extra_context or {})})

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and not _is_oneself(request, obj)

    @override
    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Superusers alone make superusers and change addresses, by which identities are linked.

        Nobody changes their own flags, and only superusers their own groups and permissions: others
        could give themselves for good what they hold for a time, by a role or a group.
        """
        fields = tuple(super().get_readonly_fields(request, obj))
        own = FLAGS if _is_oneself(request, obj) else ()
        fields = (*fields, *managed_flags())
        if users.is_superuser(request.user):
            return (*fields, *own)
        own_rights = RIGHTS_FIELDS if own else ()
        return (*fields, *own, *own_rights, "is_superuser", *(("email",) if obj else ()))

    @override
    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:
        """Superusers alone, since whoever sets a password can sign in with it.

        Raises Http404 without ADMIN_PASSWORD_LOGIN, else PermissionDenied.
        """
        if not conf.ADMIN_PASSWORD_LOGIN:
            raise Http404
        if not users.is_superuser(request.user):
            raise PermissionDenied
        return super().user_change_password(request, id, form_url)

    @admin.display(description=gettext_lazy("email address"), ordering=Upper("email"))
    def shown_email(self, person: User) -> str:
        return person.email

    @admin.display(description=gettext_lazy("state"))
    def shown_state(self, person: Any) -> Any:
        return person.shown_state

    @admin.display(description=gettext_lazy("Microsoft identity"), empty_value="-")
    def shown_identity(self, person: Any) -> Any:
        return person.shown_identity

    @admin.display(description=gettext_lazy("last sign-in"), ordering="last_login")
    def last_sign_in(self, person: User) -> str:
        return local_time.element_of(person.last_login) or "-"

    @admin.display(description=gettext_lazy("added"), empty_value="-")
    def added(self, person: User) -> str:
        return local_time.element_of(person.date_joined)


def managed_flags() -> tuple[str, ...]:
    """The flags that app roles set at each sign-in, which would overwrite admin's."""
    managed = mapping.table().managed
    flags = {"is_staff": managed.staff, "is_superuser": managed.superuser}
    return tuple(name for name, is_managed in flags.items() if is_managed)


def _is_oneself(request: HttpRequest, person: Any) -> bool:
    return person is not None and person.pk == request.user.pk
