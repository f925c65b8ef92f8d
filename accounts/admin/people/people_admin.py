"""People in admin: add them by email, see how they stand, and what can be done about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin import ShowFacets
from django.db import transaction
from django.db.models.functions import Upper
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from typing_extensions import override

from ... import moments
from ...models import User
from ...operate import search
from ...sessions import service as sessions
from ..deletion import WithoutJoinRows
from ..history import HistoryInWords
from ..paging import BoundedPaginator
from . import add_several, group_action, person_actions, person_page, relink
from .columns import PeopleChangeList
from .filters import IdleFilter, LinkedFilter, StateFilter
from .forms import AddPersonForm, PersonForm
from .rights_forms import SWITCHES, BoundedUserAdmin

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.forms import ModelForm
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern


class PersonAdmin(HistoryInWords, WithoutJoinRows, BoundedUserAdmin):
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
        return self._own_urls() + super().get_urls()

    def _own_urls(self) -> list[URLPattern]:
        view, named = self.admin_site.admin_view, f"{self.opts.app_label}_{self.opts.model_name}"
        several = add_several.page(self)
        steps = [
            path(f"<int:pk>/{name}/", view(self._step_page(step)), name=f"{named}_{name}")
            for name, step in person_actions.STEPS.items()
        ]
        return [
            path("add-several/", view(several), name=f"{named}_add_several"),
            path(
                "<int:pk>/relink/<int:row_pk>/",
                view(relink.page(self)),
                name=f"{named}_relink",
            ),
            *steps,
        ]

    def _step_page(self, step: person_actions.Step) -> Any:
        def page(request: HttpRequest, pk: int) -> HttpResponse:
            person = get_object_or_404(User, pk=pk)
            return person_actions.page_for_one(self, request, step, person)

        return page

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

    @override
    def save_model(
        self, request: HttpRequest, obj: User, form: ModelForm[User], change: bool
    ) -> None:
        """Whoever is switched off here is signed out as well."""
        super().save_model(request, obj, form, change)
        if change and not (obj.is_active and obj.is_staff):
            transaction.on_commit(lambda: end_sessions(request, obj))

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
        return moments.element_of(person.last_login) or "-"

    @admin.display(description=gettext_lazy("added"), empty_value="-")
    def added(self, person: User) -> str:
        """When they were added here."""
        return moments.element_of(person.date_joined)


def end_sessions(request: HttpRequest, person: User) -> None:
    """End them all; says so when the store does not answer, which ends them all the same."""
    try:
        sessions.end_all_of(person)
    except sessions.StoreUnavailable:
        text = _("Saved and signed out %(person)s, but the session store did not answer.")
        messages.error(request, text % {"person": person})
