"""Groups in admin: nobody gives a group rights that they do not hold themselves."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from typing_extensions import override

from ... import users
from ...operate import help_desk
from ...signin.mapping import table
from ...signin.roles import Rights, roles_giving
from .. import rights
from ..model_admin import StaffModelAdmin
from ..rights import BoundedAdmin


class BoundedGroupAdmin(StaffModelAdmin, BoundedAdmin, DjangoGroupAdmin):
    """Django's, limited to the editor's own rights."""

    change_list_template = "microsoft_admin/admin/group/change_list.html"
    change_form_template = "microsoft_admin/admin/roles/group_change_form.html"
    may_touch = rights.may_touch_group

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Not for a group in the mapping of app roles."""
        return super().has_delete_permission(request, obj) and not (obj and roles_of(obj))

    @override
    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """With the app roles that give the group."""
        group = self.get_object(request, object_id)
        more = {"roles": roles_of(group) if group else []}
        return super().change_view(request, object_id, form_url, {**more, **(extra_context or {})})

    @override
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self._make_help_desk)
        return [path("help-desk/", view, name="staff_help_desk"), *super().get_urls()]

    @override
    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """With a button that adds the Help desk group, until there is one."""
        missing = not Group.objects.filter(name=help_desk.NAME).exists()
        more = {
            "can_make_help_desk": missing and self._may_make_help_desk(request),
            "help_desk_url": reverse(f"{self.admin_site.name}:staff_help_desk"),
        }
        return super().changelist_view(request, {**more, **(extra_context or {})})

    def _may_make_help_desk(self, request: HttpRequest) -> bool:
        """Whether this person may add groups, and holds every right of this one."""
        user = request.user
        holds = users.is_superuser(user) or set(help_desk.names()) <= rights.held_for_good(user)
        return self.has_add_permission(request) and holds

    @method_decorator(require_POST)
    def _make_help_desk(self, request: HttpRequest) -> HttpResponse:
        if not self._may_make_help_desk(request):
            raise PermissionDenied
        if help_desk.make():
            messages.success(request, _("The Help desk group is there: put people into it."))
        return HttpResponseRedirect(reverse(f"{self.admin_site.name}:auth_group_changelist"))


def roles_of(group: Group) -> list[str]:
    """The app roles that give this group."""
    return roles_giving(table(), table().rows, Rights(groups=frozenset({group.pk})))
