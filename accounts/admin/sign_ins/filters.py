"""Filters of the sign-in record that never look at all of its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.contrib.admin import SimpleListFilter
from django.utils.translation import gettext_lazy
from typing_extensions import override

from ...models import SignIn
from ...transaction import connection
from ..advice import title_of

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest


# DISTINCT reads every row; this hops through the index of (reason, at) from code to code.
_CODES: Final = """
    WITH RECURSIVE codes(reason) AS (
        SELECT min(reason) FROM {table} WHERE reason > ''
        UNION ALL
        SELECT (SELECT min(s.reason) FROM {table} s WHERE s.reason > codes.reason)
        FROM codes WHERE codes.reason IS NOT NULL
    )
    SELECT reason FROM codes WHERE reason IS NOT NULL
"""


def codes_met() -> list[str]:
    """The reason codes that the record holds."""
    with connection.cursor() as cursor:
        cursor.execute(_CODES.format(table=connection.ops.quote_name(SignIn._meta.db_table)))
        return [code for (code,) in cursor.fetchall()]


class ReasonFilter(SimpleListFilter):
    """By reason, among those that anyone has met."""

    title = gettext_lazy("reason")
    parameter_name = "reason"

    @override
    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return sorted(((code, title_of(code)) for code in codes_met()), key=lambda pair: pair[1])

    @override
    def queryset(self, request: HttpRequest, queryset: QuerySet[SignIn]) -> QuerySet[SignIn]:
        return queryset.filter(reason=self.value()) if self.value() else queryset
