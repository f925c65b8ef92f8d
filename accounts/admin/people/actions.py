"""What can be done to people from admin: sign out, deactivate, reactivate, unlink, add to a group.

Each is an action of the list, and all but the last a page of its own for one person, to which
sign-in records link. Both show the same confirmation, and end in `take`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import ModelAdmin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.widgets import AdminTextInputWidget
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.utils.translation import gettext_noop as noop
from typing_extensions import override

from ... import audit, users
from ...app import permission, user_permission
from ...models import User
from ...operate import linking, people
from ...operate.erasure import LastSuperuser
from ...sessions import service as sessions
from .. import rights
from ..model_admin import render

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

SHOWN: Final = 50  # of whom a confirmation names the identity


def reason_field(help_text: _StrPromise) -> forms.CharField:
    """Why it is done."""
    return forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=300,
        required=False,
        widget=AdminTextInputWidget,
        help_text=help_text,
    )


class ReasonForm(forms.Form):
    """Why it is done: kept in the person's history."""

    reason = reason_field(gettext_lazy("Recorded in the person's history."))

    def __init__(self, *args: Any, required: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = required


@dataclass(frozen=True, slots=True)
class Step:
    """Something done to people: `name` is action and URL, `past` for the history, `done` said.

    `take` gets the person, what the form holds, and who does it.
    """

    name: str
    title: _StrPromise
    explanation: _StrPromise
    past: str
    done: tuple[str, str]
    permission: str
    take: Callable[[User, Mapping[str, Any], Any], object]
    needs_reason: bool = False
    bounded: bool = True
    on_oneself: bool = True
    logs_itself: bool = False
    superusers_only: bool = False

    def allowed(self, page: ModelAdmin[Any], request: HttpRequest, person: User) -> bool:
        """Whether this may be done to this person, by whoever asks and as their page has it."""
        changes = self.permission == user_permission("change")
        if changes and not page.has_change_permission(request, person):
            return False
        return self._is_allowed(request.user, person)

    def _is_allowed(self, editor: Any, person: User) -> bool:
        if not editor.has_perm(self.permission) or not self._possible():
            return False
        if self.superusers_only and not users.is_superuser(editor):
            return False
        if person.pk == editor.pk and not self.on_oneself:
            return False
        return not self.bounded or rights.may_touch(editor, person)

    def form(self, data: Any, editor: Any) -> forms.Form:
        """What the confirmation asks for."""
        return ReasonForm(data, required=self.needs_reason)

    def _possible(self) -> bool:
        return self.name not in ("deactivate", "reactivate") or users.has_field("is_active")


class _AddToGroup(Step):
    """In sight of whose identities gain the group's rights."""

    @override
    def _is_allowed(self, editor: Any, person: User) -> bool:
        """Nobody raises their own rights; superusers have them all."""
        is_own = person.pk == editor.pk and not users.is_superuser(editor)
        return not is_own and super()._is_allowed(editor, person)

    @override
    def form(self, data: Any, editor: Any) -> forms.Form:
        return GroupForm(data, editor=editor)


class GroupForm(forms.Form):
    """Which group, of those whose every right the editor holds."""

    group = forms.ModelChoiceField(label=gettext_lazy("Group"), queryset=Group.objects.none())

    def __init__(self, *args: Any, editor: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["group"].queryset = rights.grantable_groups(editor)  # type: ignore[attr-defined]


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
            lambda person, given, by: sessions.end_all_of(person),
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
            lambda person, given, by: people.deactivate(person, leave_a_superuser=True),
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
            lambda person, given, by: people.reactivate(person),
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
            lambda person, given, by: linking.unlink(person, given["reason"].strip(), by),
            needs_reason=True,
            logs_itself=True,
            superusers_only=True,
        ),
    )
}
# Of the list only: a person's own page has the groups in its form.
ADD_TO_GROUP: Final = _AddToGroup(
    "add_to_group",
    gettext_lazy("Add to group"),
    gettext_lazy("These people, and whoever holds their identities, gain its rights."),
    "Added to the group %(group)s",
    (noop("%(count)d person is in %(group)s."), noop("%(count)d people are in %(group)s.")),
    user_permission("change"),
    lambda person, given, by: person.groups.add(given["group"]),
)


def action_of(step: Step) -> Callable[..., HttpResponse | None]:
    """The step as an action of the list, offered to whoever may take it at all."""

    @admin.action(description=step.title, permissions=[step.permission.split(".")[1]])
    def act(
        page: ModelAdmin[User], request: HttpRequest, chosen: QuerySet[User]
    ) -> HttpResponse | None:
        return _answer(page, request, step, list(chosen))

    act.__name__ = step.name
    return act


def page_for_one(
    page: ModelAdmin[User], request: HttpRequest, step: Step, person: User
) -> HttpResponse:
    """The confirmation for one person, at an address that can be linked to."""
    if not step.allowed(page, request, person):
        raise PermissionDenied
    return _confirmation(page, request, step, [person], step.form(None, request.user))


def _answer(
    page: ModelAdmin[User], request: HttpRequest, step: Step, chosen: Sequence[User]
) -> HttpResponse | None:
    """The confirmation, or, once that is sent, the step taken and None: back to the list."""
    forbidden = [person for person in chosen if not step.allowed(page, request, person)]
    if forbidden:
        text = _("Nothing was done: you may not do this to %(people)s.")
        messages.error(request, text % {"people": ", ".join(map(str, forbidden[:5]))})
        return None
    form = step.form(request.POST if "confirmed" in request.POST else None, request.user)
    if not form.is_valid():
        return _confirmation(page, request, step, chosen, form)
    given = form.cleaned_data
    taken = sum(_perform(page, request, step, person, given) for person in chosen)
    if taken:
        messages.success(request, ngettext(*step.done, taken) % {**given, "count": taken})
    return None


def _confirmation(
    page: ModelAdmin[User],
    request: HttpRequest,
    step: Step,
    chosen: Sequence[User],
    form: forms.Form,
) -> HttpResponse:
    """Whom it is about, what it means, and why: the form goes to the list, as an action."""
    context = {
        "step": step,
        "people": [(person, linking.of_user(person)) for person in chosen[:SHOWN]],
        "more": max(0, len(chosen) - SHOWN),
        "keys": [person.pk for person in chosen],
        "form": form,
        "action_checkbox_name": ACTION_CHECKBOX_NAME,
    }
    return render(request, "user/step.html", step.title, context, page)


def _perform(
    page: ModelAdmin[User],
    request: HttpRequest,
    step: Step,
    person: User,
    given: Mapping[str, Any],
) -> bool:
    reason = given.get("reason", "").strip()
    try:
        with audit.context(note=reason):
            step.take(person, given, request.user)
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
        past = step.past % given
        page.log_change(request, person, f"{past}: {reason}" if reason else past)
    return True
