"""For the user admin of another site: what Microsoft knows of a person, beside what it has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin
from django.db import transaction
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from typing_extensions import override

from ... import users
from ...app import admin_url
from ...operate.account_status import state_of
from ...signin.identities import accounts_of
from . import columns
from .people_admin import end_sessions

if TYPE_CHECKING:
    from django.http import HttpRequest

    _Base = admin.ModelAdmin[Any]
else:
    _Base = object

_FIELDS: Final = ("microsoft_state", "microsoft_identity", "microsoft_sign_ins")


class MicrosoftUserAdminMixin(_Base):
    """`class PeopleAdmin(MicrosoftUserAdminMixin, UserAdmin): ...`

    State, identity and sign-ins stand at the end of a person's page; whoever is switched off there
    is signed out as well.
    """

    @override
    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*super().get_readonly_fields(request, obj), *_FIELDS)

    @override
    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        theirs = super().get_fieldsets(request, obj)
        return [*theirs, (gettext_lazy("Sign-in"), {"fields": _FIELDS})] if obj else theirs

    @override
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and not (obj.is_active and users.is_staff(obj)):
            transaction.on_commit(lambda: end_sessions(request, obj))

    @admin.display(description=gettext_lazy("state"))
    def microsoft_state(self, person: Any) -> str:
        """Can sign in, has never, or was refused lately and why."""
        return columns.state_text(state_of(person), link=False)

    @admin.display(description=gettext_lazy("Microsoft identity"), empty_value="-")
    def microsoft_identity(self, person: Any) -> str | None:
        """The identity bound to the person."""
        return columns.identity_text(accounts_of(person).first()) or None

    @admin.display(description=gettext_lazy("sign-ins"))
    def microsoft_sign_ins(self, person: Any) -> str:
        """A link to their record, which asks for its own right."""
        pk = person._meta.pk.value_to_string(person)
        url = f"{admin_url('signin_changelist')}?user__exact={pk}"
        return format_html('<a href="{}">{}</a>', url, _("All sign-ins of this person"))
