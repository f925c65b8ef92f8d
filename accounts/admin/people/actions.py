"""Actions on people: sign out, deactivate, reactivate, unlink, add to a group.

All are actions of the list, and all but the last also have a page for one person, to which sign-in
records link. Both ask for the same confirmation, which is sent to the list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.widgets import AdminTextInputWidget
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
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

MOST_NAMED: Final = 50  # people whom a confirmation names, with their identities


def reason_field(help_text: _StrPromise) -> forms.CharField:
    """The field for why it is done."""
    return forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=300,
        required=False,
        widget=AdminTextInputWidget,
        help_text=help_text,
    )


class ReasonForm(forms.Form):
    """Asks why it is done."""

    reason = reason_field(gettext_lazy("Recorded in the person's history."))

    def __init__(self, *args: Any, required: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = required


@dataclass(frozen=True, slots=True)
class PersonAction:
    """An action on people; `name` is the list action's and the page's in the URL.

    `past` is what the person's history says, `done` the message to whoever did it, and `perform`
    gets the person, the form's data and the editor. `bounded`: not on people with more rights.
    """

    name: str
    title: _StrPromise
    explanation: _StrPromise
    past: str
    done: tuple[str, str]
    permission: str
    perform: Callable[[User, Mapping[str, Any], Any], object]
    needs_reason: bool = False
    bounded: bool = True
    on_oneself: bool = True
    logs_itself: bool = False
    superusers_only: bool = False

    def allowed(self, page: ModelAdmin[Any], request: HttpRequest, person: User) -> bool:
        """Whether the request's user may do this to this person, also by the page's own rules."""
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
        """The form of the confirmation."""
        return ReasonForm(data, required=self.needs_reason)

    def _possible(self) -> bool:
        return self.name not in ("deactivate", "reactivate") or users.has_field("is_active")


class _AddToGroup(PersonAction):
    @override
    def _is_allowed(self, editor: Any, person: User) -> bool:
        """Nobody raises their own rights; superusers, who have them all, cannot."""
        is_own = person.pk == editor.pk and not users.is_superuser(editor)
        return not is_own and super()._is_allowed(editor, person)

    @override
    def form(self, data: Any, editor: Any) -> forms.Form:
        return GroupForm(data, editor=editor)


class GroupForm(forms.Form):
    """Asks which group, among those whose every right the editor holds."""

    group = forms.ModelChoiceField(label=gettext_lazy("Group"), queryset=Group.objects.none())

    def __init__(self, *args: Any, editor: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["group"].queryset = rights.grantable_groups(editor)  # type: ignore[attr-defined]


ACTIONS: Final = {
    action.name: action
    for action in (
        PersonAction(
            "sign_out",
            gettext_lazy("Sign out everywhere"),
            gettext_lazy("Every session ends with its next request. They may sign in again."),
            "Signed out everywhere",
            (
                noop("%(count)d person was signed out everywhere."),
                noop("%(count)d people were signed out everywhere."),
            ),
            permission("end_sessions"),
            lambda person, data, editor: sessions.end_all_of(person),
            bounded=False,
        ),
        PersonAction(
            "deactivate",
            gettext_lazy("Deactivate"),
            gettext_lazy("They are signed out now and cannot sign in until they are reactivated."),
            "Deactivated",
            (
                noop("%(count)d person was deactivated and signed out."),
                noop("%(count)d people were deactivated and signed out."),
            ),
            user_permission("change"),
            lambda person, data, editor: people.deactivate(person, leave_a_superuser=True),
            on_oneself=False,
        ),
        PersonAction(
            "reactivate",
            gettext_lazy("Reactivate"),
            gettext_lazy("They may sign in again, with the rights they had."),
            "Reactivated",
            (
                noop("%(count)d person was reactivated."),
                noop("%(count)d people were reactivated."),
            ),
            user_permission("change"),
            lambda person, data, editor: people.reactivate(person),
        ),
        PersonAction(
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
            lambda person, data, editor: linking.unlink(person, data["reason"].strip(), editor),
            needs_reason=True,
            logs_itself=True,
            superusers_only=True,
        ),
    )
}
# In the list only: a person's own page has the groups in its form.
ADD_TO_GROUP: Final = _AddToGroup(
    "add_to_group",
    gettext_lazy("Add to group"),
    gettext_lazy("These people, and whoever holds their identities, gain its rights."),
    "Added to the group %(group)s",
    (noop("%(count)d person is in %(group)s."), noop("%(count)d people are in %(group)s.")),
    user_permission("change"),
    lambda person, data, editor: person.groups.add(data["group"]),
)


def list_action(action: PersonAction) -> tuple[Callable[..., Any], str, str]:
    """The action as `ModelAdmin.get_actions` has it."""
    return partial(_perform_or_ask, action), action.name, str(action.title)


def confirmation_page(
    page: ModelAdmin[User], request: HttpRequest, action: PersonAction, person: User
) -> HttpResponse:
    """The confirmation for one person, at a URL of its own. Raises PermissionDenied."""
    if not action.allowed(page, request, person):
        raise PermissionDenied
    return _confirmation(page, request, action, [person], action.form(None, request.user))


def _perform_or_ask(
    action: PersonAction, page: ModelAdmin[User], request: HttpRequest, chosen: Iterable[User]
) -> HttpResponse | None:
    """The confirmation; once it is sent, perform the action and return None: back to the list."""
    chosen = list(chosen)
    forbidden = [person for person in chosen if not action.allowed(page, request, person)]
    if forbidden:
        text = _("Nothing was done: you may not do this to %(people)s.")
        messages.error(request, text % {"people": ", ".join(map(str, forbidden[:5]))})
        return None
    form = action.form(request.POST if "confirmed" in request.POST else None, request.user)
    if not form.is_valid():
        return _confirmation(page, request, action, chosen, form)
    data = form.cleaned_data
    count = sum(_perform(page, request, action, person, data) for person in chosen)
    if count:
        messages.success(request, ngettext(*action.done, count) % {**data, "count": count})
    return None


def _confirmation(
    page: ModelAdmin[User],
    request: HttpRequest,
    action: PersonAction,
    chosen: Sequence[User],
    form: forms.Form,
) -> HttpResponse:
    """Names the people and what follows; the form is sent to the list, as its action."""
    context = {
        "action": action,
        "people": [(person, linking.of_user(person)) for person in chosen[:MOST_NAMED]],
        "more": max(0, len(chosen) - MOST_NAMED),
        "keys": [person.pk for person in chosen],
        "form": form,
        "action_checkbox_name": ACTION_CHECKBOX_NAME,
    }
    return render(request, "user/confirm_action.html", action.title, context, page)


def _perform(
    page: ModelAdmin[User],
    request: HttpRequest,
    action: PersonAction,
    person: User,
    data: Mapping[str, Any],
) -> bool:
    reason = data.get("reason", "").strip()
    try:
        with audit.context(note=reason):
            action.perform(person, data, request.user)
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
    if not action.logs_itself:
        past = action.past % data
        page.log_change(request, person, f"{past}: {reason}" if reason else past)
    return True
