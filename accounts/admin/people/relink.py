"""Link the identity of a refused sign-in to its person, after comparing it with the linked one."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ...app import user_url
from ...models import SignIn, User
from ...operate import OperatorError, linking
from ...sessions import service as sessions
from ..model_admin import render
from .actions import ReasonForm

WARNINGS: Final = {
    "name": gettext_lazy(
        "DIFFERENT NAME: at Microsoft, the refused account does not have this person's name."
    ),
    "no_name": gettext_lazy(
        "No name to compare: contact the person in a way that you already know, not by replying"
        " to an email."
    ),
    "tenant": gettext_lazy(
        "DIFFERENT TENANT: the refused account belongs to another organization."
    ),
    "address": gettext_lazy(
        "DIFFERENT ADDRESS: the refused account does not have this person's email address."
    ),
    "several": gettext_lazy(
        "SEVERAL ACCOUNTS were recently refused for this person: at least one of them is not"
        " theirs."
    ),
}


def answer(page: ModelAdmin[Any], request: HttpRequest, person: User, row_pk: int) -> HttpResponse:
    """GET compares, POST links. For superusers, as `moves`. Raises PermissionDenied, Http404."""
    row = get_object_or_404(SignIn, pk=row_pk, user=person)
    if not linking.can_relink(row):
        raise PermissionDenied
    form = ReasonForm(request.POST if request.method == "POST" else None, required=True)
    if form.is_valid() and _linked(request, person, row, form.cleaned_data["reason"]):
        return HttpResponseRedirect(user_url("change", person.pk))
    old = linking.of_user(person)
    context = {
        "subject": person,
        "row": row,
        "old": old,
        "new": linking.of_sign_in(row),
        "warnings": _warnings_for(person, row, old),
        "form": form,
    }
    return render(request, "user/relink.html", _("Link another Microsoft identity"), context, page)


def _warnings_for(person: User, row: SignIn, old: linking.Identity | None) -> list[str]:
    """What makes the refused account look like someone else's."""
    names = [*linking.differences(person, old, linking.of_sign_in(row))]
    refused = SignIn.objects.filter(user=person, reason="identity_conflict").order_by()
    if refused.values("tid", "oid").distinct()[:2].count() > 1:
        names.append("several")
    return [str(WARNINGS[name]) for name in names]


def _linked(request: HttpRequest, person: User, row: SignIn, reason: str) -> bool:
    by: Any = request.user
    try:
        linking.relink(person, row, reason, by=by, seen=request.POST.get("seen", ""))
    except OperatorError as problem:
        messages.error(request, str(problem))
        return False
    except sessions.StoreUnavailable:
        text = _(
            "%(person)s is linked, but the session store did not answer: lists may be out of date."
        )
        messages.warning(request, text % {"person": person})
        return True
    text = _("%(person)s is linked to the identity that was refused, and was signed out.")
    messages.success(request, text % {"person": person})
    return True
