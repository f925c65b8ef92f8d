"""What an admin class for users gets from this app, on this site or another: actions and pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Final

from django.contrib import messages
from django.contrib.admin import ModelAdmin, display
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
from . import relink
from .actions import ACTIONS, PersonAction, confirmation_page, list_action
from .people_list import identity_text, state_text
from .person_page import actions_for

_FIELDS: Final = (
    "microsoft_state",
    "microsoft_identity",
    "microsoft_sign_ins",
    "microsoft_actions",
)


class PersonPages(ModelAdmin):  # type: ignore[type-arg]
    """Actions on people, linking a refused identity; and the last superuser stays one."""

    people_actions: ClassVar[Iterable[PersonAction]] = tuple(ACTIONS.values())

    @override
    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        offered = super().get_actions(request)
        if self.actions is None or IS_POPUP_VAR in request.GET:
            return offered
        may = [one for one in self.people_actions if request.user.has_perm(one.permission)]
        return {**offered, **{one.name: list_action(one) for one in may}}

    @override
    def get_urls(self) -> list[Any]:
        view, named = self.admin_site.admin_view, f"{self.opts.app_label}_{self.opts.model_name}"
        actions = [
            path(f"<path:key>/{name}/", view(self._action_page(action)), name=f"{named}_{name}")
            for name, action in ACTIONS.items()
        ]
        return [
            path("<path:key>/relink/<int:row_pk>/", view(self._relink), name=f"{named}_relink"),
            *actions,
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
        """One by one, so that the last superuser among them is noticed."""
        with transaction.atomic():
            for person in queryset:
                self.delete_model(request, person)

    @override
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Deactivating people, or taking their staff status, signs them out as well."""
        may_sign_in = obj.is_active and users.is_staff(obj)
        if change and not (may_sign_in and users.is_superuser(obj)):
            _leave_a_superuser(obj)
        super().save_model(request, obj, form, change)
        if change and not may_sign_in:
            transaction.on_commit(lambda: _end_sessions(request, obj))

    def _relink(self, request: HttpRequest, key: str, row_pk: int) -> HttpResponse:
        if not users.is_superuser(request.user):
            raise PermissionDenied
        return relink.answer(self, request, self.person(request, key), row_pk)

    def _action_page(self, action: PersonAction) -> Callable[..., HttpResponse]:
        def page(request: HttpRequest, key: str) -> HttpResponse:
            return confirmation_page(self, request, action, self.person(request, key))

        return page


class MicrosoftUserAdminMixin(PersonPages):
    """`class PeopleAdmin(MicrosoftUserAdminMixin, UserAdmin): ...`

    A person's page ends with state, identity, sign-ins and actions, which the list has as well;
    deactivating people signs them out. For `list_display`: `microsoft_state`, `microsoft_identity`.
    """

    @override
    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*super().get_readonly_fields(request, obj), *_FIELDS)

    @override
    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        theirs = super().get_fieldsets(request, obj)
        if obj:
            obj.microsoft_request = request  # read-only fields do not get the request
        return [*theirs, (gettext_lazy("Sign-in"), {"fields": _FIELDS})] if obj else theirs

    @display(description=gettext_lazy("state"))
    def microsoft_state(self, person: Any) -> str:
        return state_text(status_of(person), link=False)

    @display(description=gettext_lazy("Microsoft identity"), empty_value="-")
    def microsoft_identity(self, person: Any) -> str | None:
        return identity_text(accounts_of(person).first()) or None

    @display(description=gettext_lazy("what can be done"))
    def microsoft_actions(self, person: Any) -> str:
        """Links to their confirmation pages."""
        actions = actions_for(self, person.microsoft_request, person)
        links = ((url, action.title) for action, url in actions)
        return format_html_join(" | ", '<a href="{}">{}</a>', links)

    @display(description=gettext_lazy("sign-ins"))
    def microsoft_sign_ins(self, person: Any) -> str:
        pk = person._meta.pk.value_to_string(person)
        url = f"{admin_url('signin_changelist')}?user__exact={pk}"
        return format_html('<a href="{}">{}</a>', url, _("All sign-ins of this person"))


def _leave_a_superuser(person: Any) -> None:
    """Raise PermissionDenied for the last superuser, whom it locks. In a transaction."""
    if users.is_last_superuser(person, lock=True):
        raise PermissionDenied


def _end_sessions(request: HttpRequest, person: Any) -> None:
    """End them all, which does not depend on the session store's answer."""
    try:
        sessions.end_all_of(person)
    except sessions.StoreUnavailable:
        text = _("Saved and signed out %(person)s, but the session store did not answer.")
        messages.error(request, text % {"person": person})
