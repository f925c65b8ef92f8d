"""The go-live rehearsal as a page: who of an export from Entra could sign in.

The file is not kept, and nothing is written unless identities are to be linked.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from io import StringIO
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.contrib.admin.widgets import AdminTextareaWidget
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from typing_extensions import override

from ... import audit, users
from ...app import user_url
from ...conf import conf
from ...display.naming import as_set_here
from ...operate import OperatorError, rehearsal, roles
from ...operate.rehearsal import Foreseen, Report
from ...operate.rehearsal_report import SPREADSHEET, as_rows
from ...reasons import REASONS
from ...signin.roles import Table
from .. import csv_export
from ..advice import fix_of, title_of
from ..model_admin import render
from ..uploads import TextFileField
from .add_several import MOST_AT_ONCE
from .people_list import may_add_people

_SHOWN: Final = 2000


class ExportForm(forms.Form):
    """The export, its tenant if several are allowed, a draft mapping, whether to link."""

    file = TextFileField(
        most=10 * 1024 * 1024,
        too_large=gettext_lazy("The file is larger than 10 MB."),
        label=gettext_lazy("People exported from Entra (CSV)"),
        help_text=gettext_lazy(
            "Entra admin center > Users > Download users. Columns: id, userPrincipalName, mail,"
            " displayName, userType, accountEnabled. The file is not kept."
        ),
    )
    tenant = forms.ChoiceField(label=gettext_lazy("Tenant they are from"))

    draft = forms.CharField(
        label=gettext_lazy("App roles to try"),
        required=False,
        widget=AdminTextareaWidget({"rows": 3, "cols": 80}),
        help_text=gettext_lazy(
            "For a file with a column role: what would change if these were mapped as well, or"
            " instead. A line for each, such as: Editor = staff, Editors. Nothing is saved."
        ),
    )
    link = forms.BooleanField(
        label=gettext_lazy("Link everyone who would get in to their object ID now"),
        required=False,
        help_text=gettext_lazy("Then nobody becomes them by having their address at Microsoft."),
    )

    def __init__(self, *args: Any, may_link: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not may_link:
            del self.fields["link"]
        tenants = sorted(conf.MICROSOFT_ALLOWED_TENANTS)
        if len(tenants) > 1:
            self.fields["tenant"].choices = [(tenant, tenant) for tenant in tenants]  # type: ignore[attr-defined]
        else:
            del self.fields["tenant"]

    @override
    def clean(self) -> dict[str, Any]:
        """Rehearses; errors in the file are shown beside it."""
        cleaned = super().clean() or {}
        if cleaned.get("draft") and cleaned.get("link"):
            text = _("Nobody is linked while app roles are only tried: take one of them out.")
            raise ValidationError({"link": text})
        if "file" in cleaned and not self.errors:
            cleaned["report"] = self._report(cleaned["file"], cleaned.get("tenant", ""))
        return cleaned

    def clean_draft(self) -> Table | None:
        """The mapping with these rows; None without any."""
        try:
            rows = roles.read_draft(self.cleaned_data["draft"])
            return roles.drafted(rows) if rows else None
        except OperatorError as problem:
            raise ValidationError(str(problem)) from None

    def _report(self, text: str, tenant: str) -> Report:
        try:
            return rehearsal.preview(text, tenant, self.cleaned_data.get("draft"))
        except OperatorError as problem:
            raise ValidationError({"file": str(problem)}) from None


def page(request: HttpRequest) -> HttpResponseBase:
    """The form, and below it the result for everyone in the export."""
    may_link = users.is_superuser(request.user)
    posted = (request.POST, request.FILES) if request.method == "POST" else ()
    form = ExportForm(*posted, may_link=may_link)
    report = form.cleaned_data["report"] if form.is_valid() else None
    if report and form.cleaned_data.get("link"):
        _link(request, report, form.cleaned_data.get("tenant", ""))
    if report and "csv" in request.POST:
        audit.write("export.people", after={"of": "rehearsal", "people": len(report.people)})
        return csv_export.download("rehearsal", as_rows(report), SPREADSHEET)
    context = {
        "form": form,
        "report": report,
        "sums": _sums(report) if report else [],
        "foreseen": _refused_first(report) if report else [],
        "absent": _absent(request, report, form.cleaned_data) if report else "",
        "shown": _SHOWN,
    }
    return render(request, "rehearsal.html", _("Go-live rehearsal"), context)


def _link(request: HttpRequest, report: Report, tenant: str) -> None:
    try:
        results = list(rehearsal.link_all(report, tenant))
    except OperatorError as problem:
        messages.error(request, str(problem))
        return
    linked = results.count("")
    text = ngettext("%(count)d person was linked.", "%(count)d people were linked.", linked)
    messages.success(request, text % {"count": linked})
    for problem_text in list(filter(None, results))[:20]:
        messages.error(request, problem_text)


def _sums(report: Report) -> list[tuple[str, int]]:
    counted = sorted(report.counts().items(), key=lambda pair: (pair[0] != "in", -pair[1]))
    return [(_("Would get in") if code == "in" else title_of(code), n) for code, n in counted]


def _absent(request: HttpRequest, report: Report, asked: Mapping[str, Any]) -> str:
    """People without an account here, as CSV for Add several; "" if this user may not add any.

    With their object IDs, so that nobody else is linked by having their address.
    """
    if not may_add_people(request.user):
        return ""
    absent = [one for one in report.people if one.reason == "unknown_user" and one.email]
    if not absent:
        return ""
    text, tenant = StringIO(newline=""), asked.get("tenant", "")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("email", "name", "id", "tenant"))
    rows.writerows((p.email, p.name, p.oid, tenant) for p in absent[: MOST_AT_ONCE - 1])
    return text.getvalue()


def _refused_first(report: Report) -> list[tuple[Foreseen, str, str, str]]:
    """The people, those who would be refused first: with title, fix and URL."""
    ordered = sorted(report.people, key=lambda person: (person.gets_in, person.line))
    return [
        (one, title_of(one.reason) if one.reason else "", _fix(one), _url(one))
        for one in ordered[:_SHOWN]
    ]


def _fix(person: Foreseen) -> str:
    """The reason's fix in admin, unless the rehearsal has a more specific one."""
    if person.reason and person.fix == as_set_here(REASONS[person.reason].fix):
        return fix_of(person.reason)
    return _(person.fix) if person.fix else ""


def _url(person: Foreseen) -> str:
    return user_url("change", person.user_id) if person.user_id is not None else ""
