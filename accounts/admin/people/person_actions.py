"""What can be done to people from admin: sign out, deactivate, reactivate, unlink.

Each is an action of the list and a page of its own for one person, to which sign-in records
link. Both show the same confirmation, which asks for a reason, and end in `take`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.utils.translation import gettext_noop as noop

from ... import audit, users
from ...app import permission, user_permission
from ...operate import linking, people
from ...operate.erasure import LastSuperuser
from ...sessions import service as sessions
from .. import rights
from .forms import ReasonForm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from django.contrib.admin import ModelAdmin
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse
    from django.utils.functional import _StrPromise

    from ...models import User

CONFIRMED = "confirmed"
SHOWN = 50  # of whom a confirmation names the identity


@dataclass(frozen=True, slots=True)
class Question:
    """What a confirmation page asks: `name` is the list's action that the form goes to."""

    name: str
    title: _StrPromise
    explanation: _StrPromise


@dataclass(frozen=True, slots=True)
class Step(Question):
    """Something done to people: `name` is action and URL, `past` for the history, `done` said."""

    past: str
    done: tuple[str, str]
    permission: str
    take: Callable[[User, str, Any], object]
    needs_reason: bool = False
    bounded: bool = True
    on_oneself: bool = True
    logs_itself: bool = False
    superusers_only: bool = False

    def allowed(self, editor: Any, person: User) -> bool:
        """Whether this editor may do this to this person."""
        if not editor.has_perm(self.permission) or not self._possible():
            return False
        if self.superusers_only and not users.is_superuser(editor):
            return False
        if person.pk == editor.pk and not self.on_oneself:
            return False
        return not self.bounded or rights.may_touch(editor, person)

    def _possible(self) -> bool:
        return self.name not in ("deactivate", "reactivate") or users.has_field("is_active")


STEPS = {
    step.name: step
    for step in (
        Step(
            "sign_out",
            gettext_lazy("Sign out everywhere"),
            gettext_lazy("Every session ends with its next request. They may sign in again."),
            "Signed out everywhere",
            (
                noop("%(count)d person was signed out everywhere."),
                noop("%(count)d people were signed out everywhere."),
            ),
            permission("end_sessions"),
            lambda person, reason, by: sessions.end_all_of(person),
            bounded=False,
        ),
        Step(
            "deactivate",
            gettext_lazy("Deactivate"),
            gettext_lazy("They are signed out now and cannot sign in until they are reactivated."),
            "Deactivated",
            (
                noop("%(count)d person was deactivated and signed out."),
                noop("%(count)d people were deactivated and signed out."),
            ),
            user_permission("change"),
            lambda person, reason, by: people.deactivate(person, leave_a_superuser=True),
            on_oneself=False,
        ),
        Step(
            "reactivate",
            gettext_lazy("Reactivate"),
            gettext_lazy("They may sign in again, with the rights they had."),
            "Reactivated",
            (
                noop("%(count)d person was reactivated."),
                noop("%(count)d people were reactivated."),
            ),
            user_permission("change"),
            lambda person, reason, by: people.reactivate(person),
        ),
        Step(
            "unlink",
            gettext_lazy("Unlink Microsoft identity"),
            gettext_lazy(
                "They are signed out, and the next Microsoft account that signs in with this email"
                " address becomes theirs. Be sure that it is the same person."
            ),
            "Unlinked",
            (
                noop("The Microsoft identity of %(count)d person was unlinked."),
                noop("The Microsoft identities of %(count)d people were unlinked."),
            ),
            user_permission("change"),
            lambda person, reason, by: linking.unlink(person, reason, by),
            needs_reason=True,
            logs_itself=True,
            superusers_only=True,
        ),
    )
}


def answer(
    page: ModelAdmin[User], request: HttpRequest, step: Step, chosen: Sequence[User]
) -> HttpResponse | None:
    """The confirmation, or, once that is sent, the step taken and None: back to the list."""
    forbidden = [person for person in chosen if not step.allowed(request.user, person)]
    if forbidden:
        _tell_forbidden(request, forbidden)
        return None
    confirmed = CONFIRMED in request.POST
    form = ReasonForm(request.POST if confirmed else None, required=step.needs_reason)
    if not form.is_valid():
        return confirmation(page, request, step, chosen, form)
    _take_all(page, request, step, chosen, form.cleaned_data["reason"].strip())
    return None


def action_of(step: Step) -> Callable[..., HttpResponse | None]:
    """The step as an action of the list, offered to whoever may take it at all."""

    @admin.action(description=step.title, permissions=[step.permission.split(".")[1]])
    def act(
        page: ModelAdmin[User], request: HttpRequest, chosen: QuerySet[User]
    ) -> HttpResponse | None:
        return answer(page, request, step, list(chosen))

    act.__name__ = step.name
    return act


def page_for_one(
    page: ModelAdmin[User], request: HttpRequest, step: Step, person: User
) -> HttpResponse:
    """The confirmation for one person, at an address that can be linked to."""
    if not step.allowed(request.user, person):
        raise PermissionDenied
    return confirmation(page, request, step, [person], ReasonForm(required=step.needs_reason))


def confirmation(
    page: ModelAdmin[User],
    request: HttpRequest,
    step: Question,
    chosen: Sequence[User],
    form: forms.Form,
) -> HttpResponse:
    """Whom it is about, what it means, and why: the form goes to the list, as an action."""
    context = {
        **page.admin_site.each_context(request),
        "opts": page.opts,
        "title": step.title,
        "step": step,
        "people": [(person, linking.of_user(person)) for person in chosen[:SHOWN]],
        "more": max(0, len(chosen) - SHOWN),
        "keys": [person.pk for person in chosen],
        "form": form,
        "action_checkbox_name": ACTION_CHECKBOX_NAME,
        "media": page.media,
    }
    return TemplateResponse(request, "microsoft_admin/admin/user/step.html", context)


def _take_all(
    page: ModelAdmin[User],
    request: HttpRequest,
    step: Step,
    chosen: Iterable[User],
    reason: str,
) -> None:
    taken = sum(_perform(page, request, step, person, reason) for person in chosen)
    if taken:
        messages.success(request, ngettext(*step.done, taken) % {"count": taken})


def _perform(
    page: ModelAdmin[User], request: HttpRequest, step: Step, person: User, reason: str
) -> bool:
    try:
        with audit.context(note=reason):
            step.take(person, reason, request.user)
    except LastSuperuser:
        text = _("%(person)s is the last active superuser now: nothing was done.")
        messages.error(request, text % {"person": person})
        return False
    except linking.NothingToUnlink:
        text = _("%(person)s has no Microsoft identity to unlink.")
        messages.warning(request, text % {"person": person})
        return False
    except sessions.StoreUnavailable:
        text = _(
            "%(person)s is signed out, but the session store did not answer: lists may be out of"
            " date."
        )
        messages.error(request, text % {"person": person})
    if not step.logs_itself:
        page.log_change(request, person, f"{step.past}: {reason}" if reason else step.past)
    return True


def _tell_forbidden(request: HttpRequest, forbidden: Sequence[User]) -> None:
    text = _("Nothing was done: you may not do this to %(people)s.")
    named = ", ".join(str(person) for person in forbidden[:5])
    messages.error(request, text % {"people": named})
