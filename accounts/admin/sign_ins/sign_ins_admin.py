"""The sign-in record in admin: read it, search it, take it away as CSV; never change it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin
from django.contrib.admin import ShowFacets
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import Q
from django.urls import path
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from typing_extensions import override

from ... import audit
from ...models import SignIn
from ...operate import sign_ins
from ...operate.sign_ins import COLUMNS, as_values
from ...reasons import REASONS
from .. import csv_export
from ..paging import BOUND, BoundedPaginator
from ..people.columns import title_of
from . import chart, drill_down
from .filters import ReasonFilter
from .next_steps import attach, maybe_touchable

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
    from django.urls import URLPattern

    Base = admin.ModelAdmin[SignIn]
else:
    Base = admin.ModelAdmin

GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class SignInAdmin(Base):
    """Append-only: the flow adds, nobody changes, `sign_ins --prune` deletes."""

    list_display = ("at", "result_and_step", "person", "reference", "method", "client_ip")
    list_display_links = ("at", "reference")
    list_filter = ("outcome", ReasonFilter, "method", "at")
    list_select_related = ("user",)
    sortable_by = ("at",)
    search_fields = ("reference", "oid", "email")
    date_hierarchy = "at"
    ordering = ("-at",)
    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 0
    fieldsets = (
        (
            gettext_lazy("What happened"),
            {
                "fields": (
                    "at",
                    "result",
                    "code",
                    "meaning",
                    "detail",
                    "source",
                    "fix",
                    "what_to_do",
                    "reference",
                )
            },
        ),
        (gettext_lazy("Who"), {"fields": ("person", "email", "tid", "oid")}),
        (gettext_lazy("From where"), {"fields": ("client_ip", "user_agent", "host")}),
        (
            gettext_lazy("How"),
            {"fields": ("method", "took_ms", "microsoft_ms", "microsoft_request_id")},
        ),
    )

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @override
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @override
    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return SignInChangeList

    @override
    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> SignIn | None:
        row = super().get_object(request, object_id, from_field)
        attach([row] if row else [], request.user)
        return row

    @override
    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[SignIn], search_term: str
    ) -> tuple[QuerySet[SignIn], bool]:
        """Exact or by prefix, as the indexes have it."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if GUID.fullmatch(term.lower()):
            return queryset.filter(oid=term.lower()), False
        return queryset.filter(Q(reference=term.upper()) | Q(email__istartswith=term)), False

    @override
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.export)
        return [path("export/", view, name="accounts_signin_export"), *super().get_urls()]

    def export(self, request: HttpRequest) -> StreamingHttpResponse:
        """The rows that the list's filters and search leave, as CSV."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            rows = self.get_changelist_instance(request).get_queryset(request)
        except IncorrectLookupParameters as error:
            raise BadRequest("No such filter.") from error
        audit.write("export.sign_ins", after=request.GET.dict())
        found = csv_export.newest_first(rows.select_related("user"))
        return csv_export.download("sign-ins", map(as_values, found), COLUMNS)

    @override
    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Above the list: the last 30 days."""
        more = {"chart": chart.last_days(), "query": request.GET.urlencode()}
        return super().changelist_view(request, {**more, **(extra_context or {})})

    @admin.display(description=gettext_lazy("result"))
    def result(self, row: SignIn) -> str:
        """Admitted, or why not."""
        if row.outcome == SignIn.Outcome.ADMITTED:
            return str(SignIn.Outcome.ADMITTED.label)
        text = _("Refused: %(why)s") % {"why": title_of(row.reason)}
        return format_html('<span class="staff-refused">{}</span>', text)

    @admin.display(description=gettext_lazy("result"))
    def result_and_step(self, row: SignIn) -> str:
        """For the list: the result, and below it what can be done."""
        step = self.what_to_do(row)
        return format_html("{}<br>{}", self.result(row), step) if step else self.result(row)

    @admin.display(description=gettext_lazy("person"), empty_value="-")
    def person(self, row: SignIn) -> str:
        """The user, or else who Microsoft said it was."""
        return str(row.user or row.email)

    @admin.display(description=gettext_lazy("reason"))
    def code(self, row: SignIn) -> str:
        """The reason code, as the person's page and the log have it."""
        return row.reason

    @admin.display(description=gettext_lazy("what it means"))
    def meaning(self, row: SignIn) -> str:
        """The operator's words for the reason."""
        return REASONS[row.reason].operator if row.reason in REASONS else ""

    @admin.display(description=gettext_lazy("what to do"))
    def fix(self, row: SignIn) -> str:
        """The fix in words, if what it rests on is true."""
        advice = sign_ins.advice(row)
        if row.source == SignIn.Source.BROWSER and advice:
            claimed = _("Anyone can make this up, so change nothing for it alone.")
            return f"{claimed} {advice}"
        return advice

    @admin.display(description=gettext_lazy("next step"), empty_value="-")
    def what_to_do(self, row: Any) -> str:
        """The fix in one click, where there is one and the reader may make it."""
        step = row.next_step
        return format_html('<a href="{}">{}</a>', step.url, step.label) if step else ""


class SignInChangeList(ChangeList):
    """Looks up what can be done about the refusals on the page."""

    @override
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        attach(self.result_list, request.user, maybe_touchable)

    @property
    def cut_off(self) -> bool:
        """Whether there may be more rows than are paged."""
        return self.result_count >= BOUND

    @property
    def dates(self) -> dict[str, Any]:
        """For Django's own date_hierarchy.html."""
        return drill_down.drill_down(self)
