"""The sign-in record in admin."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from typing_extensions import override

from ...display import browsers
from ...display.visible import visible
from ...models import SignIn
from ...operate import search
from ...operate.sign_ins import COLUMNS, as_values
from ...stores.transaction import connection
from .. import advice
from ..model_admin import BOUND
from ..people.people_list import person_url
from ..records import CodeFilter, RecordAdmin
from . import chart, drill_down
from .next_steps import attach, maybe_touchable

# DISTINCT reads every row; this skips from code to code in the index of (reason, at).
_CODES: Final = """
    WITH RECURSIVE codes(reason) AS (
        SELECT min(reason) FROM {table} WHERE reason > ''
        UNION ALL
        SELECT (SELECT min(s.reason) FROM {table} s WHERE s.reason > codes.reason)
        FROM codes WHERE codes.reason IS NOT NULL
    )
    SELECT reason FROM codes WHERE reason IS NOT NULL
"""


class ReasonFilter(CodeFilter):
    """By reason, of those in the record."""

    title = gettext_lazy("reason")
    parameter_name = "reason"

    @override
    def titles(self) -> dict[str, str]:
        return {code: advice.title_of(code) for code in _codes_in_record()}


class SignInAdmin(RecordAdmin):
    """Append-only: sign-ins add rows, `sign_ins --prune` deletes old ones."""

    change_list_template = "microsoft_admin/admin/signin/change_list.html"
    search_hint = gettext_lazy(
        "Search by any part of a name or an email address, or by IP address, AADSTS number,"
        " reference or object ID."
    )
    list_display = ("when", "result_and_step", "person", "came_from", "reference")
    list_display_links = ("when", "reference")
    list_filter = ("outcome", ReasonFilter, "method", "at")
    list_select_related = ("user",)
    search_fields = ("reference", "oid", "email")
    search = search.sign_ins
    date_hierarchy = "at"
    exported = ("sign-ins", "export.sign_ins")
    columns = COLUMNS
    as_values = as_values
    fieldsets = (
        (
            gettext_lazy("What happened"),
            {
                "fields": (
                    "when",
                    "result",
                    "code",
                    "meaning",
                    "technical_detail",
                    "source",
                    "fix",
                    "what_to_do",
                    "reference",
                )
            },
        ),
        (gettext_lazy("Who"), {"fields": ("person", "email", "tid", "oid")}),
        (gettext_lazy("From where"), {"fields": ("place", "browser", "host")}),
        (
            gettext_lazy("How"),
            {"fields": ("method", "took_ms", "microsoft_ms", "microsoft_request_id")},
        ),
    )

    @override
    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return SignInChangeList

    @override
    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> SignIn | None:
        row = super().get_object(request, object_id, from_field)
        rows = [row] if row else []
        attach(rows, request.user)
        _link_people(rows, request.user)
        return row

    @override
    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Above the list: the last 30 days."""
        drawn = chart.last_days()
        more = {"chart": drawn, "svg": chart.svg(drawn)}
        return super().changelist_view(request, {**more, **(extra_context or {})})

    @admin.display(description=gettext_lazy("result"))
    def result(self, row: SignIn) -> str:
        if row.outcome == SignIn.Outcome.ADMITTED:
            return str(SignIn.Outcome.ADMITTED.label)
        text = _("Refused: %(why)s") % {"why": advice.title_for(row)}
        return format_html('<span class="staff-refused">{}</span>', text)

    @admin.display(description=gettext_lazy("result"))
    def result_and_step(self, row: SignIn) -> str:
        """For the list: the result, the method unless it is Microsoft, and the next step."""
        method = row.get_method_display() if row.method != SignIn.Method.MICROSOFT else ""
        parts = [self.result(row), method, self.what_to_do(row)]
        return format_html_join(mark_safe("<br>"), "{}", ((part,) for part in parts if part))

    @admin.display(description=gettext_lazy("person"), empty_value="-")
    def person(self, row: Any) -> str:
        """The user, as a link for whoever may open it; without one the claimed email address."""
        named = visible(str(row.user or row.email))
        return (
            format_html('<a href="{}">{}</a>', row.person_url, named) if row.person_url else named
        )

    @admin.display(description=gettext_lazy("from"), empty_value="-")
    def came_from(self, row: SignIn) -> str:
        """For the list: the address and the browser."""
        facts = {"address": row.client_ip, "agent": row.user_agent}
        return render_to_string("microsoft_admin/admin/includes/from.html", facts)

    @admin.display(description=gettext_lazy("address"), empty_value="-")
    def place(self, row: SignIn) -> str:
        return browsers.address_and_place(row.client_ip)

    @admin.display(description=gettext_lazy("browser"), empty_value="-")
    def browser(self, row: SignIn) -> str:
        if not row.user_agent:
            return "-"
        words, raw = browsers.browser_of(row.user_agent), visible(row.user_agent)
        return format_html(
            '{}<details class="staff-agent"><summary>{}</summary>'
            '<span class="staff-raw">{}</span></details>',
            visible(words),
            _("As the browser calls itself"),
            raw,
        )

    @admin.display(description=gettext_lazy("reason"))
    def code(self, row: SignIn) -> str:
        return format_html("<code>{}</code>", row.reason) if row.reason else "-"

    @admin.display(description=gettext_lazy("detail"))
    def technical_detail(self, row: SignIn) -> str:
        return format_html("<code>{}</code>", visible(row.detail)) if row.detail else "-"

    @admin.display(description=gettext_lazy("what it means"))
    def meaning(self, row: SignIn) -> str:
        return advice.meaning_for(row)

    @admin.display(description=gettext_lazy("what to do"))
    def fix(self, row: SignIn) -> str:
        """The fix, with a warning if the refusal rests on the browser's claim alone."""
        text = advice.fix_for(row)
        if row.source == SignIn.Source.BROWSER and text:
            warning = _(
                "Only the browser said so, which anyone can fake: change nothing because of this"
                " record alone."
            )
            return f"{warning} {text}"
        return text

    @admin.display(description=gettext_lazy("next step"), empty_value="-")
    def what_to_do(self, row: Any) -> str:
        """A link to the page of the fix, if the reader may open it."""
        step = row.next_step
        return format_html('<a href="{}">{}</a>', step.url, step.label) if step else ""


class SignInChangeList(ChangeList):
    """Adds next steps and links to people to the rows on the page."""

    @override
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        attach(self.result_list, request.user, maybe_touchable)
        _link_people(self.result_list, request.user)

    @property
    def cut_off(self) -> bool:
        """Whether there may be more rows than BOUND."""
        return self.result_count >= BOUND

    @property
    def dates(self) -> dict[str, Any]:
        return drill_down.drill_down(self)


def _link_people(rows: Iterable[Any], reader: Any) -> None:
    for row in rows:
        row.person_url = person_url(row.user, reader) if row.user else ""


def _codes_in_record() -> list[str]:
    """The reason codes that the record holds."""
    with connection.cursor() as cursor:
        cursor.execute(_CODES.format(table=connection.ops.quote_name(SignIn._meta.db_table)))
        return [code for (code,) in cursor.fetchall()]
