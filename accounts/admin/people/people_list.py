"""The list of people: states and identities of those on the page, and filters."""

from __future__ import annotations

from typing import Any, Final

from allauth.socialaccount.models import SocialAccount
from django.contrib.admin import SimpleListFilter
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from typing_extensions import override

from ...app import admin_url, permission, user_permission, user_url
from ...display.visible import visible
from ...models import User
from ...operate import account_status, linking
from ...operate.account_status import AccountStatus, statuses_of
from ...signin.identities import PROVIDER, claims_stored_in
from ..advice import title_of

IDLE_DAYS: Final = (30, 90, 180, 365)


class PeopleChangeList(ChangeList):
    """Adds states and identities to the people on the page, in a fixed number of queries."""

    @override
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        on_page: Any = self.result_list
        identities, states = identities_of(on_page), statuses_of(on_page)
        link = may_see_sign_ins(request.user)
        for person in on_page:
            person.shown_state = state_text(states[person.pk], link=link)
            person.shown_identity = identity_text(identities.get(person.pk))


def identities_of(people: Any) -> dict[Any, SocialAccount]:
    """Their Microsoft identities, by primary key of the person."""
    keys = [person.pk for person in people]
    bound = SocialAccount.objects.filter(provider=PROVIDER, user_id__in=keys)
    return {a.user_id: a for a in sorted(bound, key=lambda account: ":" in account.uid)}


def identity_text(account: SocialAccount | None) -> str:
    """The identity's sign-in name or address at Microsoft, else its object ID; "" for None."""
    if account is None:
        return ""
    claims = claims_stored_in(account)
    name = claims.get("preferred_username") or claims.get("email") or account.uid.split(":")[-1]
    return visible(str(name))


def state_text(state: AccountStatus, *, link: bool) -> str:
    """The status in words; with `link` a refusal links to its record."""
    text = {
        "can_sign_in": _("Can sign in"),
        "never": _("Not yet signed in"),
        "refused": _("Refused: %(why)s"),
        "off": _("Switched off") if state.reason == "user_inactive" else _("Not staff"),
    }[state.kind]
    if state.kind != "refused":
        return format_html('<span class="staff-{}">{}</span>', state.kind, text)
    text = text % {"why": title_of(state.reason)}
    if not link:
        return format_html('<span class="staff-refused">{}</span>', text)
    url = f"{admin_url('signin_changelist')}?q={state.reference}"
    return format_html('<a class="staff-refused" href="{}">{}</a>', url, text)


def may_see_sign_ins(user: User | Any) -> bool:
    """Whether this person may read the sign-in record."""
    return bool(user.has_perm(permission("view_signin")))


def person_url(person: User, reader: Any) -> str:
    """The person's page; "" for a reader who may not open it, or without such a page."""
    return user_url("change", person.pk) if may_see_people(reader) else ""


def may_see_people(reader: Any) -> bool:
    """Whether this person may open the pages of others."""
    return any(reader.has_perm(user_permission(verb)) for verb in ("view", "change"))


def may_add_people(editor: Any) -> bool:
    """Whether this person may add others."""
    return all(editor.has_perm(user_permission(verb)) for verb in ("add", "change"))


class StateFilter(SimpleListFilter):
    """People who never signed in, or were refused lately."""

    title = gettext_lazy("state")
    parameter_name = "state"

    @override
    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("never", _("Not yet signed in")), ("refused", _("Refused lately"))]

    @override
    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "never":
            return account_status.never_signed_in(queryset)
        if self.value() == "refused":
            return queryset.filter(account_status.refused_lately(queryset))
        return queryset


class IdleFilter(SimpleListFilter):
    """People who have not signed in for some days, since they were added if never."""

    title = gettext_lazy("last sign-in")
    parameter_name = "idle"

    @override
    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        text = _("Not for %(days)d days")
        return [(str(days), text % {"days": days}) for days in IDLE_DAYS]

    @override
    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        days = {str(days): days for days in IDLE_DAYS}.get(self.value() or "")
        return account_status.idle_for(queryset, days) if days else queryset


class LinkedFilter(SimpleListFilter):
    """People with or without a linked Microsoft identity."""

    title = gettext_lazy("Microsoft identity")
    parameter_name = "linked"

    @override
    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", _("Linked")), ("no", _("Not linked yet"))]

    @override
    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in ("yes", "no"):
            return queryset
        linked = linking.is_linked()
        return queryset.filter(linked if self.value() == "yes" else ~linked)
