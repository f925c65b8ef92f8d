"""The form of the Microsoft app: real fields in place of JSON, and secrets that only go in.

What is entered is checked and kept by the service that `./manage.py microsoft_app` uses, and put
to Microsoft before it is kept: what would keep people out has to be confirmed.
"""

from __future__ import annotations

import base64
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from allauth.socialaccount.models import SocialApp
from django import forms
from django.contrib.admin.widgets import AdminDateWidget, AdminRadioSelect, AdminTextInputWidget
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_variables
from typing_extensions import override

from ...conf import conf
from ...display.naming import as_set_here_lazy
from ...operate import OperatorError, microsoft_app
from ...operate.microsoft_app_summary import storage_in_words
from ...registration import SLOTS, kind_of, value_in
from ...signin.identities import PROVIDER
from . import typed_secrets
from .fields import KeyFileField, PassphraseField, PemField, SecretField

if TYPE_CHECKING:
    from ...operate.doctor.before_saving import Judgement

# The form's fields have names of their own: a field named `secret` would be filled from the model.
_SECRETS: Final = {"secret": "new_secret", "next_secret": "new_next_secret"}
_EXPIRIES: Final = ("secret_expires", "next_secret_expires")
_FIELDS: Final = {
    **_SECRETS,
    "certificate": "certificate_text",
    "next_certificate": "next_certificate_text",
}
_UNREAD: Final = "_unread"  # a file that its passphrase did not open yet
KINDS: Final = (
    ("secret", gettext_lazy("Client secret")),
    ("certificate", gettext_lazy("Certificate")),
    ("managed_identity", gettext_lazy("Managed identity")),
    ("token_file", gettext_lazy("Token file")),
)


class MicrosoftAppForm(forms.ModelForm):  # type: ignore[type-arg]
    """One app registration of Entra; `user_id` is who fills it in, `confirmed` what they saw."""

    user_id: Any = None
    tenant = forms.CharField(
        label=gettext_lazy("Tenant"),
        required=False,
        widget=AdminTextInputWidget,
        help_text=as_set_here_lazy(
            gettext_lazy("Directory (tenant) ID, or a verified domain. Empty: MICROSOFT_TENANT_ID.")
        ),
    )
    credential = forms.ChoiceField(
        label=gettext_lazy("Proves itself by"),
        required=False,
        choices=KINDS,
        widget=AdminRadioSelect(attrs={"class": "radiolist"}),
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
    certificate_text = PemField(label=gettext_lazy("Certificate and key as PEM"))
    certificate_file = KeyFileField(label=gettext_lazy("or as a PEM or PFX file"))
    certificate_passphrase = PassphraseField()
    next_certificate_text = PemField(label=gettext_lazy("Next certificate and key as PEM"))
    next_certificate_file = KeyFileField(label=gettext_lazy("or as a PEM or PFX file"))
    next_certificate_passphrase = PassphraseField()
    managed_identity = forms.CharField(
        label=gettext_lazy("Identity's client ID"),
        required=False,
        widget=AdminTextInputWidget,
    )
    promote = forms.BooleanField(
        label=gettext_lazy("The next one is now the only one"),
        required=False,
        help_text=gettext_lazy(
            "Moves the next secret or certificate up. The one before stays for one click of Undo."
        ),
    )
    domains = forms.CharField(
        label=gettext_lazy("Allowed email domains"),
        required=False,
        widget=AdminTextInputWidget,
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
    held = forms.CharField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = SocialApp
        fields = ("name", "client_id")
        help_texts = {"client_id": gettext_lazy("Application (client) ID on Entra's Overview.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kept = self.instance.settings
        self.judgement: Judgement | None = None
        self._typed: dict[str, str] = {}
        for name in ("tenant", "hidden", "managed_identity"):
            self.initial.setdefault(name, kept.get(name))
        for name in _EXPIRIES:
            self.initial.setdefault(name, _date(kept.get(name)))
        self.initial.setdefault("domains", ", ".join(kept.get("domains", ())))
        self.initial.setdefault("credential", kind_of(self._app()))
        self.fields["name"].initial = "Microsoft"
        self.fields["tenant"].widget.attrs["placeholder"] = conf.MICROSOFT_TENANT_ID
        self._say_what_is_kept()

    @property
    def needs_confirmation(self) -> bool:
        """Nothing is wrong with what was entered, but with what would follow from it."""
        return self.judgement is not None and bool(self.errors)

    def clean_domains(self) -> tuple[str, ...]:
        """The domains, in lower case."""
        listed = str(self.cleaned_data["domains"]).replace(",", " ").split()
        return tuple(domain.lower() for domain in listed)

    @override
    @sensitive_variables()
    def full_clean(self) -> None:
        """What was typed in secret outlives a refusal, though the page does not show it."""
        super().full_clean()
        if self.is_bound and self.errors:
            name = typed_secrets.keep(self.user_id, self._typed)
            # Django renders a bound field from what was sent.
            self.data = MultiValueDict({**dict(self.data.lists()), "held": [name]})  # type: ignore[attr-defined]
            self._say_what_is_kept()
            for field in _FIELDS.values():
                self[field].help_text = self.fields[field].help_text

    @override
    @sensitive_variables()
    def clean(self) -> dict[str, Any]:
        """What the service says of it, each problem at its field; then what Microsoft says."""
        cleaned = super().clean() or {}
        self._read_secrets(cleaned)
        changes = self._changes(cleaned)
        for field, problems in microsoft_app.problems_with(self._app(), changes).items():
            self.add_error(_FIELDS.get(field, field), problems)
        if not self.errors:
            self._judge(changes, promotes=bool(cleaned.get("promote")))
        return cleaned

    @override
    def save(self, commit: bool = True) -> Any:
        app, after = self.instance, self._after
        app.provider, app.secret, app.settings = PROVIDER, after.secret, after.settings
        if self.judgement:
            microsoft_app.remember_tests(app, self.judgement.tests)
        typed_secrets.forget(self.cleaned_data["held"])
        return super().save(commit)

    def _app(self) -> SocialApp:
        """The app as it is; a new one proves itself by a secret until something else is chosen."""
        app: SocialApp = self.instance
        if not app.pk and "credential" not in app.settings:
            app.settings["credential"] = "secret"
        return app

    def _judge(self, changes: microsoft_app.Changes, *, promotes: bool) -> None:
        # Imported here: the probes are heavy, and nothing else in admin needs them.
        from ...operate.doctor import before_saving

        app = self._app()
        self._after = microsoft_app.changed(app, changes)
        before = app if app.pk else None
        self.judgement = before_saving.of_saving(self._after, before, promotes=promotes)
        if before and not microsoft_app.is_as_read(app):
            self.judgement = None
            self.add_error(None, _("Someone has changed the app meanwhile. Look at it again."))
        elif self.judgement.digest not in ("", self.data.get("confirmed", "")):
            self.add_error(None, [one.text for one in self.judgement.consequences])

    @sensitive_variables()
    def _read_secrets(self, cleaned: dict[str, Any]) -> None:
        """What was typed now, else what this person typed before into the same form."""
        before = typed_secrets.of(self.user_id, cleaned.get("held", ""))
        slots = SLOTS.get(cleaned.get("credential") or "", _FIELDS)  # type: ignore[arg-type]
        kept = {name: text for name, text in before.items() if name.removesuffix(_UNREAD) in slots}
        for slot, field in _SECRETS.items():
            if text := cleaned.get(field) or kept.get(slot):
                self._typed[slot] = text
        for slot in SLOTS["certificate"]:
            self._read_certificate(slot, cleaned, kept)

    @sensitive_variables()
    def _read_certificate(self, slot: str, cleaned: dict[str, Any], kept: dict[str, str]) -> None:
        field, upload = f"{slot}_text", cleaned.get(f"{slot}_file")
        passphrase = cleaned.get(f"{slot}_passphrase") or ""
        text = cleaned.get(field) or ""
        if upload and text:
            self.add_error(field, _("Paste it or upload it, not both."))
            return
        data = upload.read() if upload else text.encode()
        data = data or base64.b64decode(kept.get(slot + _UNREAD, ""))
        if not data:
            if slot in kept:
                self._typed[slot] = kept[slot]
            return
        try:
            self._typed[slot] = microsoft_app.read_certificate(data, passphrase)
        except OperatorError as problem:
            self._typed[slot + _UNREAD] = base64.b64encode(data).decode()
            self.add_error(field, str(problem))

    @sensitive_variables()
    def _changes(self, cleaned: dict[str, Any]) -> microsoft_app.Changes:
        """Secrets only when typed; dates only when changed, since an old one may have passed."""
        names = ("name", "client_id", "tenant", "domains", "hidden", "promote")
        given: dict[str, Any] = {name: cleaned[name] for name in names if name in cleaned}
        given["credential"] = cleaned.get("credential") or None
        given |= {slot: text for slot, text in self._typed.items() if not slot.endswith(_UNREAD)}
        if "managed_identity" in self.changed_data and "managed_identity" in cleaned:
            given["managed_identity"] = cleaned["managed_identity"].strip()
        for name in _EXPIRIES:
            if name in self.changed_data and name in cleaned:
                given[name] = cleaned[name] or ""
        return microsoft_app.Changes(**given)

    def _say_what_is_kept(self) -> None:
        """Beside each field that shows nothing, whether there is something."""
        app = self.instance
        text = _("Now: %(how)s. Type to replace it; it is never shown.")
        for slot, field in _FIELDS.items():
            help_text = text % {"how": _(storage_in_words(value_in(app, slot)))}
            if slot in self._typed or slot + _UNREAD in self._typed:
                help_text = _("What you entered is kept for this form, and not shown.")
            self.fields[field].help_text = help_text
        identity = conf.MICROSOFT_MANAGED_IDENTITY_CLIENT_ID
        self.fields["managed_identity"].help_text = (
            _("Client ID of the user-assigned identity. Empty: the environment's, %(id)s.")
            % {"id": identity}
            if identity
            else _("Client ID on the user-assigned identity's Overview page.")
        )


def _date(text: Any) -> date | None:
    """A date, so that the form sees whether it has changed; what is none is asked for afresh."""
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        return None
