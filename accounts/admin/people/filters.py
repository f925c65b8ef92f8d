"""Filters of the list of people: how they stand now, for how long they were not here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.contrib.admin import SimpleListFilter
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from typing_extensions import override

from ...operate import account_status

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

IDLE_DAYS: Final = (30, 90, 180, 365)


class StateFilter(SimpleListFilter):
    """Who has not come yet, and who was refused."""

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
    """Who has not signed in for so long; those who never did since they were added, too."""

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
    """Whether a Microsoft identity is linked to them."""

    title = gettext_lazy("Microsoft identity")
    parameter_name = "linked"

    @override
    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", _("Linked")), ("no", _("Not linked yet"))]

    @override
    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in ("yes", "no"):
            return queryset
        return account_status.bound(queryset, yes=self.value() == "yes")
