"""Add people to a group from the list, in sight of whose identities gain its rights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ... import transaction, users
from .. import rights
from .person_actions import CONFIRMED, Question, confirmation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.contrib.admin import ModelAdmin
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

    from ...models import User


_ADD_TO_GROUP: Final = Question(
    "add_to_group",
    gettext_lazy("Add to group"),
    gettext_lazy("These people, and whoever holds their identities, gain its rights."),
)


class GroupForm(forms.Form):
    """Which group, of those whose every right the editor holds."""

    group = forms.ModelChoiceField(label=gettext_lazy("Group"), queryset=Group.objects.none())

    def __init__(self, *args: Any, editor: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = rights.grantable_groups(editor, Group.objects.all())
        self.fields["group"].queryset = offered  # type: ignore[attr-defined]


@admin.action(description=gettext_lazy("Add to group"), permissions=["change_user"])
def add_to_group(
    page: ModelAdmin[User], request: HttpRequest, chosen: QuerySet[User]
) -> HttpResponse | None:
    """The form, or None once it is done."""
    people = list(chosen)
    forbidden = [person for person in people if not _may_raise(request.user, person)]
    if forbidden:
        text = _("Nothing was done: you may not do this to %(people)s.")
        messages.error(request, text % {"people": ", ".join(map(str, forbidden[:5]))})
        return None
    confirmed = CONFIRMED in request.POST
    form = GroupForm(request.POST if confirmed else None, editor=request.user)
    if not form.is_valid():
        return confirmation(page, request, _ADD_TO_GROUP, people, form)
    _add(page, request, people, form.cleaned_data["group"])
    return None


def _may_raise(editor: Any, person: User) -> bool:
    """Nobody raises their own rights; superusers have them all."""
    if users.is_superuser(editor):
        return True
    return person.pk != editor.pk and rights.may_touch(editor, person)


def _add(
    page: ModelAdmin[User], request: HttpRequest, people: Sequence[User], group: Group
) -> None:
    with transaction.atomic():
        for person in people:
            person.groups.add(group)
            page.log_change(request, person, f"Added to the group {group}")
    text = ngettext(
        "%(count)d person is in %(group)s.", "%(count)d people are in %(group)s.", len(people)
    )
    messages.success(request, text % {"count": len(people), "group": group})
