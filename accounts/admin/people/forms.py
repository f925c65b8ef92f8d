"""The forms of people's pages: add one by email, add several by pasting, change, give a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminTextareaWidget, AdminTextInputWidget
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from typing_extensions import override

from ...models import User
from ...operate import addresses
from ...operate.pasted import read_people
from ...signin import mapping
from .. import rights
from ..permissions import PermissionField

if TYPE_CHECKING:
    from django.db.models import QuerySet

    PersonModelForm = forms.ModelForm[User]
else:
    PersonModelForm = forms.ModelForm

MOST_AT_ONCE = 1000
GIVEN = ("groups", "user_permissions")
SWITCHES = ("is_active", "is_staff", "is_superuser")


class AddressMixin(PersonModelForm):
    """Refuses an address with an invisible or look-alike character, and names it."""

    def clean_email(self) -> str:
        """The address; one that is here already, and stays, is nobody's fault."""
        email = str(self.cleaned_data["email"])
        if "email" in self.changed_data and (problem := addresses.problem_of(email)):
            raise ValidationError(problem)
        return email


class AddPersonForm(AddressMixin):
    """An email is enough: nobody has to invent a password."""

    class Meta:
        model = User
        fields = ("email", "name")
        help_texts = {
            "email": _("The address that Microsoft knows the person by, letter for letter."),
        }

    @override
    def save(self, commit: bool = True) -> User:
        self.instance.set_unusable_password()
        return super().save(commit)


class PersonForm(AddressMixin):
    """What of a person can be changed; the admin class takes away what the editor may not."""

    class Meta:
        model = User
        fields = ("email", "name", *SWITCHES, *GIVEN)

    def clean_groups(self) -> Any:
        """What was chosen, and what app roles gave, which is not chosen here."""
        chosen = self.cleaned_data["groups"]
        held = Q(user=self.instance, pk__in=mapping.table().managed.groups)
        keys = Group.objects.filter(held).values("pk")
        return Group.objects.filter(Q(pk__in=chosen.values("pk")) | Q(pk__in=keys))


class AddSeveralForm(forms.Form):
    """Emails as they come out of a mail, a spreadsheet or an address book."""

    people = forms.CharField(
        label=_("People"),
        widget=AdminTextareaWidget({"rows": 12, "cols": 80}),
        help_text=_(
            "Anything with email addresses in it: recipients of a mail, columns of a spreadsheet,"
            " a table with a first line of titles as Entra exports it, a list. You see who was"
            " found before anybody is added; whoever is here already stays as they are."
        ),
    )
    groups = forms.ModelMultipleChoiceField(
        label=_("Groups"),
        queryset=Group.objects.none(),
        required=False,
        widget=rights.Checkboxes,
        help_text=_("For everyone who is added. Those that go beyond your rights are not offered."),
    )

    user_permissions = PermissionField(
        label=_("Permissions"),
        queryset=Permission.objects.none(),
        required=False,
        widget=rights.Checkboxes,
        help_text=_("For everyone who is added, beside those of the groups."),
    )

    def __init__(self, *args: Any, editor: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._offer("groups", rights.grantable_groups(editor))
        self._offer("user_permissions", rights.grantable(editor, admin.site))

    def _offer(self, name: str, offered: QuerySet[Any]) -> None:
        """Only what the editor may give; nothing to choose is no field."""
        self.fields[name].queryset = offered  # type: ignore[attr-defined]
        if not offered.exists():
            self.fields[name].widget = forms.MultipleHiddenInput()

    def clean_people(self) -> list[str]:
        """The lines."""
        lines = str(self.cleaned_data["people"]).splitlines()
        if len(lines) > MOST_AT_ONCE:
            raise ValidationError(
                _("At most %(most)d lines at once."), params={"most": MOST_AT_ONCE}
            )
        if sum(1 for _entry in read_people(lines)) > MOST_AT_ONCE:
            text = _("At most %(most)d people at once.")
            raise ValidationError(text, params={"most": MOST_AT_ONCE})
        return lines


class ReasonForm(forms.Form):
    """Why it is done: kept in the person's history."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=300,
        required=False,
        widget=AdminTextInputWidget,
        help_text=_("Recorded in the person's history."),
    )

    def __init__(self, *args: Any, required: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = required
