"""People in admin: add them by email, see how they stand, and what can be done about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin import ShowFacets
from django.db.models.functions import Upper
from django.urls import path
from django.utils.translation import gettext_lazy
from typing_extensions import override

from ... import local_time
from ...models import User
from ...operate import search
from ..deletion import WithoutJoinRows
from ..history import HistoryInWords
from ..paging import BoundedPaginator
from . import add_several, group_action, person_actions, person_page
from .columns import PeopleChangeList
from .filters import IdleFilter, LinkedFilter, StateFilter
from .forms import AddPersonForm, PersonForm
from .person_pages import PersonPages
from .rights_forms import SWITCHES, BoundedUserAdmin

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern


class PersonAdmin(HistoryInWords, WithoutJoinRows, PersonPages, BoundedUserAdmin):
    """People by email; Microsoft says who they are, this page what they may do."""

    form = PersonForm
    add_form = AddPersonForm
    add_form_template = None
    change_form_template = "microsoft_admin/admin/user/change_form.html"
    change_list_template = "microsoft_admin/admin/user/change_list.html"
    fieldsets = (
        (None, {"fields": ("email", "name")}),
        (gettext_lazy("Sign-in"), {"fields": ("last_sign_in", "added")}),
        (gettext_lazy("Permissions"), {"fields": (*SWITCHES, "groups", "user_permissions")}),
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
    actions = (
        group_action.add_to_group,
        *map(person_actions.action_of, person_actions.STEPS.values()),
    )
    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 0

    @override
    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[PeopleChangeList]:
        return PeopleChangeList

    @override
    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[User], bool]:
        """By any part of an address or a name."""
        return search.people(queryset, search_term), False

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
        more = person_page.context(request, object_id) if may else {}
        return super().change_view(request, object_id, form_url, {**more, **(extra_context or {})})

    @admin.display(description=gettext_lazy("email address"), ordering=Upper("email"))
    def shown_email(self, person: User) -> str:
        """The email, which is what people are called here."""
        return person.email

    @admin.display(description=gettext_lazy("state"))
    def shown_state(self, person: Any) -> Any:
        """Can sign in, has never, or was refused lately and why."""
        return person.shown_state

    @admin.display(description=gettext_lazy("Microsoft identity"), empty_value="-")
    def shown_identity(self, person: Any) -> Any:
        """The identity bound to the person."""
        return person.shown_identity

    @admin.display(description=gettext_lazy("last sign-in"), ordering="last_login")
    def last_sign_in(self, person: User) -> str:
        """When they last got in."""
        return local_time.element_of(person.last_login) or "-"

    @admin.display(description=gettext_lazy("added"), empty_value="-")
    def added(self, person: User) -> str:
        """When they were added here."""
        return local_time.element_of(person.date_joined)
