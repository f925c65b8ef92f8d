"""Add several people by pasting their addresses in any form: a preview, then a confirmation."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from django import forms
from django.contrib.admin import ModelAdmin, site
from django.contrib.admin.widgets import AdminTextareaWidget
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ... import audit
from ...models import User
from ...operate import people
from ...operate.pasted import read_people, title_line
from ...stores import transaction
from .. import rights
from ..model_admin import render
from ..permissions import PermissionField

MOST_AT_ONCE: Final = 1000
RIGHTS_FIELDS: Final = ("groups", "user_permissions")


class AddSeveralForm(forms.Form):
    """The people, and the rights that all of them get."""

    people = forms.CharField(
        label=gettext_lazy("People"),
        widget=AdminTextareaWidget({"rows": 12, "cols": 80}),
        help_text=gettext_lazy(
            "Anything with email addresses in it: recipients of a mail, columns of a spreadsheet,"
            " a table with a first line of titles as Entra exports it, a list. You see who was"
            " found before anybody is added; whoever is here already stays as they are."
        ),
    )
    groups = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Groups"),
        queryset=Group.objects.none(),
        required=False,
        widget=rights.Checkboxes,
        help_text=gettext_lazy(
            "For everyone who is added. Those that go beyond your rights are not offered."
        ),
    )

    user_permissions = PermissionField(
        label=gettext_lazy("Permissions"),
        queryset=Permission.objects.none(),
        required=False,
        widget=rights.Checkboxes,
        help_text=gettext_lazy("For everyone who is added, beside those of the groups."),
    )

    def __init__(self, *args: Any, editor: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._offer("groups", rights.grantable_groups(editor))
        self._offer("user_permissions", rights.grantable(editor, site))

    def _offer(self, name: str, offered: QuerySet[Any]) -> None:
        """Only what the editor may give; nothing to choose is no field."""
        self.fields[name].queryset = offered  # type: ignore[attr-defined]
        if not offered.exists():
            self.fields[name].widget = forms.MultipleHiddenInput()

    def clean_people(self) -> list[str]:
        """The lines, of which there may be MOST_AT_ONCE. Raises ValidationError."""
        lines = str(self.cleaned_data["people"]).splitlines()
        if len(lines) > MOST_AT_ONCE:
            raise ValidationError(
                _("At most %(most)d lines at once."), params={"most": MOST_AT_ONCE}
            )
        if sum(1 for _entry in read_people(lines)) > MOST_AT_ONCE:
            text = _("At most %(most)d people at once.")
            raise ValidationError(text, params={"most": MOST_AT_ONCE})
        return lines


def page(admin: ModelAdmin[User]) -> Callable[[HttpRequest], HttpResponse]:
    """The view: a box for the people, then a preview, and the result once that is confirmed."""

    def add_several(request: HttpRequest) -> HttpResponse:
        if not (admin.has_add_permission(request) and admin.has_change_permission(request)):
            raise PermissionDenied
        form = AddSeveralForm(request.POST or None, editor=request.user)
        if not form.is_valid():
            return _page(admin, request, {"form": form})
        lines = form.cleaned_data["people"]
        given = {name: form.cleaned_data[name] for name in RIGHTS_FIELDS}
        preview = request.POST.get("confirmed") != digest(lines)
        results = _add(admin, request, lines, given, preview=preview)
        if preview:
            shown = {"form": form, "preview": results, "digest": digest(lines)}
        else:
            remaining = {**given, "people": _not_added(lines, results)}
            form = AddSeveralForm(initial=remaining, editor=request.user)
            shown = {"form": form, "results": results}
        return _page(admin, request, {**shown, **_totals(results)})

    return add_several


def digest(lines: Iterable[str]) -> str:
    """Identifies the previewed lines, so that others cannot be confirmed."""
    return hashlib.sha256("\n".join(lines).encode(errors="replace")).hexdigest()


def _add(
    page: ModelAdmin[User],
    request: HttpRequest,
    lines: Iterable[str],
    given: Mapping[str, Any],
    *,
    preview: bool,
) -> list[people.Added]:
    """Add them; a preview is rolled back, and is neither in the audit nor in the log.

    Only new people get the rights in `given`: nobody gains anything by being pasted.
    """
    link = bool(getattr(request.user, "is_superuser", False))
    with transaction.atomic(), audit.context(silent=preview):
        results = list(people.add_many(lines, promote=False, link_existing=link))
        for result in results:
            if result.what == "added" and result.user:
                result.user.groups.set(given["groups"])
                result.user.user_permissions.set(given["user_permissions"])
                if not preview:
                    page.log_addition(request, result.user, [{"added": {}}])
        if preview:
            transaction.set_rollback(True)
    return results


def _totals(results: Sequence[people.Added]) -> dict[str, Any]:
    counted = Counter(result.what for result in results)
    return {"added": counted["added"], "here": counted["exists"], "bad": counted["invalid"]}


def _not_added(lines: Iterable[str], results: Iterable[people.Added]) -> str:
    """The lines that could not be read or added, below the titles of their columns."""
    invalid = [result.text or result.email for result in results if result.what == "invalid"]
    head = title_line(lines) if invalid else ""
    return "\n".join(dict.fromkeys(filter(None, (head, *invalid))))


def _page(page: ModelAdmin[User], request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    return render(request, "user/add_several.html", _("Add several people"), context, page)
