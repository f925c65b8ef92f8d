"""The form of the Microsoft app: real fields in place of JSON, and secrets that only go in.

What is entered is checked and kept by the service that `./manage.py microsoft_app` uses.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final

from allauth.socialaccount.models import SocialApp
from django import forms
from django.conf import settings
from django.contrib.admin.widgets import AdminDateWidget
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from typing_extensions import override

from ...operate import microsoft_app
from ...operate.microsoft_app_summary import how_kept
from ...signin.identities import PROVIDER

if TYPE_CHECKING:
    AppModelForm = forms.ModelForm[SocialApp]
else:
    AppModelForm = forms.ModelForm

# The form's fields have names of their own: a field named `secret` would be filled from the model.
_SECRETS: Final = {"secret": "new_secret", "next_secret": "new_next_secret"}
_EXPIRIES: Final = ("secret_expires", "next_secret_expires")


class SecretField(forms.CharField):
    """Typing replaces; nothing is ever rendered, also not what was just typed."""

    widget = forms.PasswordInput(
        render_value=False, attrs={"autocomplete": "new-password", "class": "vTextField"}
    )

    def __init__(self, *, label: Any) -> None:
        super().__init__(label=label, required=False, max_length=microsoft_app.LONGEST_SECRET)


class MicrosoftAppForm(AppModelForm):
    """One app registration of Entra."""

    tenant = forms.CharField(
        label=gettext_lazy("Tenant"),
        required=False,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text=gettext_lazy(
            "Directory (tenant) ID, or a verified domain. Empty: MICROSOFT_TENANT_ID."
        ),
    )
    new_secret = SecretField(label=gettext_lazy("Secret"))
    secret_expires = forms.DateField(
        label=gettext_lazy("Secret expires on"),
        required=False,
        widget=AdminDateWidget,
        help_text=gettext_lazy("The front page warns from 30 days before."),
    )
    new_next_secret = SecretField(label=gettext_lazy("Next secret"))
    next_secret_expires = forms.DateField(
        label=gettext_lazy("Next secret expires on"), required=False, widget=AdminDateWidget
    )
    promote = forms.BooleanField(
        label=gettext_lazy("The next secret is now the only one"),
        required=False,
        help_text=gettext_lazy("Moves it up; the old secret is forgotten."),
    )
    domains = forms.CharField(
        label=gettext_lazy("Allowed email domains"),
        required=False,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text=gettext_lazy(
            "Separated by commas. Where given, first sign-ins from other domains are refused;"
            " with several allowed tenants they are needed, each as TENANT-GUID=contoso.com."
        ),
    )
    hidden = forms.BooleanField(
        label=gettext_lazy("Hidden"),
        required=False,
        help_text=gettext_lazy("Keeps the app without using it."),
    )

    class Meta:
        model = SocialApp
        fields = ("name", "client_id")
        help_texts = {"client_id": gettext_lazy("Application (client) ID on Entra's Overview.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kept = self.instance.settings
        for name in ("tenant", "hidden"):
            self.initial.setdefault(name, kept.get(name))
        for name in _EXPIRIES:
            self.initial.setdefault(name, _date(kept.get(name)))
        self.initial.setdefault("domains", ", ".join(kept.get("domains", ())))
        self.fields["name"].initial = "Microsoft"
        self.fields["tenant"].widget.attrs["placeholder"] = settings.MICROSOFT_TENANT_ID
        self._say_how_kept()

    def clean_domains(self) -> tuple[str, ...]:
        """The domains, in lower case."""
        listed = str(self.cleaned_data["domains"]).replace(",", " ").split()
        return tuple(domain.lower() for domain in listed)

    @override
    def clean(self) -> dict[str, Any]:
        """What the service says of it, each problem at its field."""
        cleaned = super().clean() or {}
        for field, problems in microsoft_app.problems_of(self._changes(cleaned)).items():
            self.add_error(_SECRETS.get(field, field), problems)
        if cleaned.get("promote") and not self._has_next(cleaned):
            self.add_error("promote", _("There is no next secret."))
        return cleaned

    @override
    def save(self, commit: bool = True) -> SocialApp:
        app, cleaned = self.instance, self.cleaned_data
        app.provider = PROVIDER
        microsoft_app.apply(app, self._changes(cleaned))
        for name in _EXPIRIES:
            if cleaned.get(name) is None:
                app.settings.pop(name, None)
            else:
                app.settings[name] = cleaned[name].isoformat()
        _set(app.settings, "hidden", cleaned["hidden"])
        if cleaned["promote"]:
            _promote(app)
        return super().save(commit)

    def _changes(self, cleaned: dict[str, Any]) -> microsoft_app.Changes:
        """Secrets only when typed; dates only when changed, since an old one may have passed."""
        given: dict[str, Any] = {
            name: cleaned[name]
            for name in ("name", "client_id", "tenant", "domains")
            if name in cleaned
        }
        for name, field in _SECRETS.items():
            if cleaned.get(field):
                given[name] = cleaned[field]
        for name in _EXPIRIES:
            if name in self.changed_data and isinstance(cleaned.get(name), date):
                given[name] = cleaned[name]
        return microsoft_app.Changes(**given)

    def _has_next(self, cleaned: dict[str, Any]) -> bool:
        return bool(cleaned.get("new_next_secret") or self.instance.settings.get("next_secret"))

    def _say_how_kept(self) -> None:
        kept = {
            "secret": self.instance.secret,
            "next_secret": self.instance.settings.get("next_secret", ""),
        }
        for name, value in kept.items():
            text = _("Now: %(how)s. Type to replace it; it is never shown.")
            self.fields[_SECRETS[name]].help_text = text % {"how": how_kept(value)}


def _date(text: Any) -> date | None:
    """A date, so that the form sees whether it has changed; what is none is asked for afresh."""
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        return None


def _promote(app: SocialApp) -> None:
    app.secret = app.settings.pop("next_secret", "")
    _set(app.settings, "secret_expires", app.settings.pop("next_secret_expires", None))


def _set(kept: dict[str, Any], name: str, value: Any) -> None:
    if value:
        kept[name] = value
    else:
        kept.pop(name, None)
