"""For an admin of users, this project's or another site's: pages of one person beside the form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.contrib import messages
from django.contrib.admin import display
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from typing_extensions import override

from ... import users
from ...app import admin_url
from ...operate.account_status import status_of
from ...sessions import service as sessions
from ...signin.identities import accounts_of
from ...stores import transaction
from ..model_admin import ModelAdmin
from . import relink
from .actions import STEPS, Step, action_of, page_for_one
from .people_list import identity_text, state_text
from .person_page import steps_for

_FIELDS: Final = ("microsoft_state", "microsoft_identity", "microsoft_sign_ins", "microsoft_steps")


class PersonPages(ModelAdmin):
    """What can be done to a person, linking who was refused; and a superuser always stays."""

    @override
    def get_urls(self) -> list[Any]:
        view, named = self.admin_site.admin_view, f"{self.opts.app_label}_{self.opts.model_name}"
        steps = [
            path(f"<path:key>/{name}/", view(self._step_page(step)), name=f"{named}_{name}")
            for name, step in STEPS.items()
        ]
        return [
            path("<path:key>/relink/<int:row_pk>/", view(self._relink), name=f"{named}_relink"),
            *steps,
            *super().get_urls(),
        ]

    def person(self, request: HttpRequest, key: str) -> Any:
        """The person of this key, as URLs have it. Raises Http404."""
        found = self.get_object(request, unquote(key))
        if found is None:
            raise Http404
        return found

    @override
    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        _leave_a_superuser(obj)
        super().delete_model(request, obj)

    @override
    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        """One by one, so that the last of them is seen to be the last."""
        with transaction.atomic():
            for each in queryset:
                self.delete_model(request, each)

    @override
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Whoever is switched off here is signed out as well."""
        may_come = obj.is_active and users.is_staff(obj)
        if change and not (may_come and users.is_superuser(obj)):
            _leave_a_superuser(obj)
        super().save_model(request, obj, form, change)
        if change and not may_come:
            transaction.on_commit(lambda: _end_sessions(request, obj))

    def _relink(self, request: HttpRequest, key: str, row_pk: int) -> HttpResponse:
        if not users.is_superuser(request.user):
            raise PermissionDenied
        return relink.answer(self, request, self.person(request, key), row_pk)

    def _step_page(self, step: Step) -> Callable[..., HttpResponse]:
        def page(request: HttpRequest, key: str) -> HttpResponse:
            return page_for_one(self, request, step, self.person(request, key))

        return page


class MicrosoftUserAdminMixin(PersonPages):
    """`class PeopleAdmin(MicrosoftUserAdminMixin, UserAdmin): ...`

    State, identity, sign-ins and what can be done stand at the end of a person's page, and in the
    list's actions; whoever is switched off there is signed out as well. For `list_display`:
    `microsoft_state` and `microsoft_identity`.
    """

    @override
    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*super().get_readonly_fields(request, obj), *_FIELDS)

    @override
    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        theirs = super().get_fieldsets(request, obj)
        if obj:
            obj.microsoft_request = request  # fields are not told who asks
        return [*theirs, (gettext_lazy("Sign-in"), {"fields": _FIELDS})] if obj else theirs

    @override
    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """What may be done to several at once, to whoever may do it at all."""
        offered = super().get_actions(request)
        if self.actions is None or IS_POPUP_VAR in request.GET:
            return offered
        may = [step for step in STEPS.values() if request.user.has_perm(step.permission)]
        return {**offered, **{s.name: (action_of(s), s.name, str(s.title)) for s in may}}

    @display(description=gettext_lazy("state"))
    def microsoft_state(self, person: Any) -> str:
        """Can sign in, has never, or was refused lately and why."""
        return state_text(status_of(person), link=False)

    @display(description=gettext_lazy("Microsoft identity"), empty_value="-")
    def microsoft_identity(self, person: Any) -> str | None:
        return identity_text(accounts_of(person).first()) or None

    @display(description=gettext_lazy("what can be done"))
    def microsoft_steps(self, person: Any) -> str:
        """Links to a page for each, which asks first."""
        steps = steps_for(self, person.microsoft_request, person)
        return format_html_join(" | ", '<a href="{}">{}</a>', ((url, s.title) for s, url in steps))

    @display(description=gettext_lazy("sign-ins"))
    def microsoft_sign_ins(self, person: Any) -> str:
        """A link to their record, which asks for its own right."""
        pk = person._meta.pk.value_to_string(person)
        url = f"{admin_url('signin_changelist')}?user__exact={pk}"
        return format_html('<a href="{}">{}</a>', url, _("All sign-ins of this person"))


def _leave_a_superuser(person: Any) -> None:
    """Two who take it from each other at once: the second may not. In a transaction.

    Raises PermissionDenied.
    """
    if users.is_last_superuser(person, lock=True):
        raise PermissionDenied


def _end_sessions(request: HttpRequest, person: Any) -> None:
    """End them all; says so when the store does not answer, which ends them all the same."""
    try:
        sessions.end_all_of(person)
    except sessions.StoreUnavailable:
        text = _("Saved and signed out %(person)s, but the session store did not answer.")
        messages.error(request, text % {"person": person})
