"""For the user admin of another site: what Microsoft knows of a person, beside what it has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin
from django.contrib.admin.options import IS_POPUP_VAR
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from typing_extensions import override

from ...app import admin_url
from ...operate.account_status import state_of
from ...signin.identities import accounts_of
from . import columns
from .person_actions import STEPS, action_of
from .person_page import steps_for
from .person_pages import PersonPages

if TYPE_CHECKING:
    from django.http import HttpRequest

    _Base = admin.ModelAdmin[Any]
else:
    _Base = object

_FIELDS: Final = ("microsoft_state", "microsoft_identity", "microsoft_sign_ins", "microsoft_steps")


class MicrosoftUserAdminMixin(PersonPages, _Base):
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
            obj.microsoft_editor = request.user  # fields are not told who asks
        return [*theirs, (gettext_lazy("Sign-in"), {"fields": _FIELDS})] if obj else theirs

    @override
    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """What may be done to several at once, to whoever may do it at all."""
        offered = super().get_actions(request)
        if self.actions is None or IS_POPUP_VAR in request.GET:
            return offered
        may = [step for step in STEPS.values() if request.user.has_perm(step.permission)]
        return {**offered, **{s.name: (action_of(s), s.name, str(s.title)) for s in may}}

    @admin.display(description=gettext_lazy("state"))
    def microsoft_state(self, person: Any) -> str:
        """Can sign in, has never, or was refused lately and why."""
        return columns.state_text(state_of(person), link=False)

    @admin.display(description=gettext_lazy("Microsoft identity"), empty_value="-")
    def microsoft_identity(self, person: Any) -> str | None:
        """The identity bound to the person."""
        return columns.identity_text(accounts_of(person).first()) or None

    @admin.display(description=gettext_lazy("what can be done"))
    def microsoft_steps(self, person: Any) -> str:
        """Links to a page for each, which asks first."""
        steps = steps_for(person.microsoft_editor, person)
        return format_html_join(" | ", '<a href="{}">{}</a>', ((url, s.title) for s, url in steps))

    @admin.display(description=gettext_lazy("sign-ins"))
    def microsoft_sign_ins(self, person: Any) -> str:
        """A link to their record, which asks for its own right."""
        pk = person._meta.pk.value_to_string(person)
        url = f"{admin_url('signin_changelist')}?user__exact={pk}"
        return format_html('<a href="{}">{}</a>', url, _("All sign-ins of this person"))
