"""Let exactly the identity in that a sign-in record refused, after seeing both side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ... import users
from ...app import user_url
from ...models import SignIn
from ...operate import OperatorError, linking
from ...sessions import service as sessions
from ..model_admin import render
from .actions import ReasonForm

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

    from ...models import User
    from .mixin import PersonPages

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


def page(admin: PersonPages) -> Callable[..., HttpResponse]:
    """GET compares, POST links."""

    def relink(request: HttpRequest, key: str, row_pk: int) -> HttpResponse:
        if not users.is_superuser(request.user):
            raise PermissionDenied
        person = admin.person(request, key)
        row = get_object_or_404(SignIn, pk=row_pk, user=person)
        if not linking.can_relink(row):
            raise PermissionDenied
        form = ReasonForm(request.POST if request.method == "POST" else None, required=True)
        if form.is_valid() and _linked(request, person, row, form.cleaned_data["reason"]):
            return HttpResponseRedirect(user_url("change", person.pk))
        return _compared(admin, request, person, row, form)

    return relink


def warnings_for(person: User, row: SignIn, old: linking.Identity | None) -> list[str]:
    """What makes the refused account look like someone else, the loudest first."""
    found = [*linking.differences(person, old, linking.of_sign_in(row))]
    refused = SignIn.objects.filter(user=person, reason="identity_conflict").order_by()
    if refused.values("tid", "oid").distinct()[:2].count() > 1:
        found.append("several")
    return [str(WARNINGS[name]) for name in found]


def _compared(
    admin: PersonPages, request: HttpRequest, person: User, row: SignIn, form: ReasonForm
) -> HttpResponse:
    old = linking.of_user(person)
    context = {
        "subject": person,
        "row": row,
        "old": old,
        "new": linking.of_sign_in(row),
        "warnings": warnings_for(person, row, old),
        "form": form,
    }
    return render(request, "user/relink.html", _("Link another Microsoft identity"), context, admin)


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
