"""People who moved: new identities and addresses for many, previewed and then written.

`staff relink FILE` does the same. For superusers only: whoever links a new identity to a person can
sign in as that person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.contrib.admin.widgets import AdminTextareaWidget, AdminTextInputWidget
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from typing_extensions import override

from ... import audit, users
from ...app import user_url
from ...operate import OperatorError, linking, moved_tenant, moves
from ...operate.moves_file import MOST_LINES
from .. import csv_export
from ..model_admin import render
from ..uploads import TextFileField
from .actions import reason_field

_MOST_LISTED: Final = 500
_TITLES: Final[Mapping[moves.Outcome, Any]] = {
    "link": gettext_lazy("Will be linked and signed out"),
    "address": gettext_lazy("Gets the new address"),
    "already": gettext_lazy("Nothing to do"),
    "not here": gettext_lazy("Nobody here"),
    "problem": gettext_lazy("Cannot be done"),
}


class MovesForm(forms.Form):
    """The mapping; an uploaded one is put into the box, where it can be corrected."""

    mapping = forms.CharField(
        label=gettext_lazy("Who becomes who"),
        required=False,
        widget=AdminTextareaWidget({"rows": 10, "cols": 80}),
        help_text=gettext_lazy(
            "A line for each person: the old email address or object ID, a comma, and the new"
            " address or object ID. A new object ID links the person to that Microsoft account; a"
            " new address is what they are called here. Columns titled old and new are understood."
        ),
    )
    file = TextFileField(
        label=gettext_lazy("Or a file (CSV)"),
        required=False,
        most=1024 * 1024,
        too_large=ValidationError(
            gettext_lazy("The file is larger than 1 MB: at most %(most)d lines go at once."),
            params={"most": MOST_LINES},
        ),
        help_text=gettext_lazy("Its lines are used instead of the box. The file is not kept."),
    )
    tenant = forms.CharField(
        label=gettext_lazy("Tenant of the new object IDs"),
        required=False,
        widget=AdminTextInputWidget,
        help_text=gettext_lazy("The tenant ID. Lines may also name it: TENANT-ID:OBJECT-ID."),
    )
    skip = forms.BooleanField(
        label=gettext_lazy("Leave out the lines of whom nobody here is"), required=False
    )
    reason = reason_field(gettext_lazy("Recorded in each person's history. Needed to write it."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        with suppress(linking.WhichTenant):
            linking.tenant_of()  # raises unless there is only one
            del self.fields["tenant"]

    @override
    def clean(self) -> dict[str, Any]:
        """Plans the moves; errors in the mapping are shown beside it."""
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        mapping = self._mapping(cleaned)
        try:
            cleaned["planned"] = moves.plan(mapping, cleaned.get("tenant", ""))
        except linking.WhichTenant:
            text = _("Enter the ID of the tenant that the new object IDs are from.")
            raise ValidationError({"tenant": text}) from None
        except OperatorError as problem:
            raise ValidationError({"mapping": str(problem)}) from None
        if "confirmed" in self.data and not cleaned["reason"].strip():
            self.add_error("reason", _("Say why it is done."))
        return cleaned

    def _mapping(self, cleaned: dict[str, Any]) -> str:
        """The uploaded mapping, which is put into the box, else the box's."""
        if uploaded := cleaned.get("file"):
            cleaned["mapping"] = uploaded
            if isinstance(self.data, QueryDict):
                self.data = self.data.copy()
                self.data["mapping"] = uploaded
        return str(cleaned["mapping"])


def may_move(user: Any) -> bool:
    """Whether this person may link new identities."""
    return users.is_superuser(user)


def page(request: HttpRequest) -> HttpResponseBase:
    """The form, then a preview of each line, and once that is confirmed, the list of people."""
    if request.method != "POST":
        return _page(request, MovesForm(initial={"mapping": _of_refused(request)}))
    form = MovesForm(request.POST, request.FILES)
    confirmed = form.is_valid() and "confirmed" in request.POST
    planned = form.cleaned_data.get("planned")
    if planned is None:
        return _page(request, form)
    if "csv" in request.POST:
        audit.write("export.people", after={"of": "moves", "people": len(planned)})
        return csv_export.download("moves", planned, moves.COLUMNS)
    if confirmed and _written(request, form, planned):
        return HttpResponseRedirect(user_url("changelist") or reverse("admin:index"))
    return _page(request, form, planned)


def _of_refused(request: HttpRequest) -> str:
    """With ?refused, a mapping of the people refused because the organization moved."""
    if "refused" not in request.GET:
        return ""
    refused = moved_tenant.refused()
    if others := sum(not one.is_alike for one in refused):
        text = ngettext(
            "%(count)d other person was refused under another name or address: compare both"
            " identities at their refusal.",
            "%(count)d other people were refused under another name or address: compare both"
            " identities at their refusals.",
            others,
        )
        messages.warning(request, text % {"count": others})
    return moved_tenant.as_mapping(refused)


def _written(request: HttpRequest, form: MovesForm, planned: Sequence[moves.Planned]) -> bool:
    """Write the moves; whether they were written, not if the preview is out of date."""
    if request.POST["confirmed"] != moves.digest(planned):
        messages.warning(request, _("This is not what you were shown: look at it again."))
        return False
    data = form.cleaned_data
    try:
        done = moves.carry_out(planned, data["reason"], by=request.user, skip_unknown=data["skip"])
    except OperatorError as problem:
        messages.error(request, _("Nothing was written. %(why)s") % {"why": problem})
        return False
    text = _("Linked and signed out: %(linked)d. New addresses: %(addressed)d.")
    messages.success(request, text % {"linked": done.linked, "addressed": done.addressed})
    if done.store_failed:
        text = _("The session store did not answer: lists of sessions may be out of date.")
        messages.warning(request, text)
    return True


def _page(
    request: HttpRequest, form: MovesForm, planned: Sequence[moves.Planned] | None = None
) -> HttpResponseBase:
    stops = moves.blocking(planned or (), skip_unknown=bool(form.data.get("skip")))
    counted = Counter(one.what for one in planned or ())
    context = {
        "form": form,
        "planned": _worst_first(planned) if planned is not None else None,
        "sums": [(title, counted[what]) for what, title in _TITLES.items() if counted[what]],
        "stops": len(stops),
        "writes": 0 if stops else counted["link"] + counted["address"],
        "digest": moves.digest(planned or ()),
        "more": max(0, len(planned or ()) - _MOST_LISTED),
    }
    return render(request, "moves.html", _("People who moved"), context)


def _worst_first(planned: Sequence[moves.Planned]) -> list[tuple[moves.Planned, Any, str]]:
    """The lines, those that prevent writing first: with title and URL."""
    order = ("problem", "not here", "link", "address", "already")
    ordered = sorted(planned, key=lambda one: (order.index(one.what), one.line))
    return [(one, _TITLES[one.what], _url(one)) for one in ordered[:_MOST_LISTED]]


def _url(one: moves.Planned) -> str:
    return user_url("change", one.key) if one.key is not None else ""
