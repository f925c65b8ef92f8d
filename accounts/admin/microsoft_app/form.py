"""The form of the Microsoft app: fields in place of JSON, and secrets that are never shown.

`operate.microsoft_app`, as for the command, validates and stores the input. It is tested with
Microsoft first, and what would keep people out has to be confirmed.
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

# Not named as the model's: a form field `secret` would be filled from the model.
_SECRETS: Final = {"secret": "new_secret", "next_secret": "new_next_secret"}
_EXPIRIES: Final = ("secret_expires", "next_secret_expires")
_FIELDS: Final = {
    **_SECRETS,
    "certificate": "certificate_text",
    "next_certificate": "next_certificate_text",
}
_UNREAD: Final = "_unread"  # suffix of a certificate that the passphrase did not open
KINDS: Final = (
    ("secret", gettext_lazy("Client secret")),
    ("certificate", gettext_lazy("Certificate")),
    ("managed_identity", gettext_lazy("Managed identity")),
    ("token_file", gettext_lazy("Token file")),
)


class MicrosoftAppForm(forms.ModelForm):  # type: ignore[type-arg]
    """One app registration of Entra; `user_id` is the primary key of whoever fills it in."""

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
        stored = self.instance.settings
        self.judgement: Judgement | None = None
        self._typed: dict[str, str] = {}
        for name in ("tenant", "hidden", "managed_identity"):
            self.initial.setdefault(name, stored.get(name))
        for name in _EXPIRIES:
            self.initial.setdefault(name, _date(stored.get(name)))
        self.initial.setdefault("domains", ", ".join(stored.get("domains", ())))
        self.initial.setdefault("credential", kind_of(self._app()))
        self.fields["name"].initial = "Microsoft"
        self.fields["tenant"].widget.attrs["placeholder"] = conf.MICROSOFT_TENANT_ID
        self._set_help_texts()

    @property
    def needs_confirmation(self) -> bool:
        """Whether the input is valid, but its consequences have to be confirmed."""
        return self.judgement is not None and bool(self.errors)

    def clean_domains(self) -> tuple[str, ...]:
        """The domains, in lower case."""
        listed = str(self.cleaned_data["domains"]).replace(",", " ").split()
        return tuple(domain.lower() for domain in listed)

    @override
    @sensitive_variables()
    def full_clean(self) -> None:
        """Store typed secrets of an invalid form, which the page does not show again."""
        super().full_clean()
        if self.is_bound and self.errors:
            name = typed_secrets.store(self.user_id, self._typed)
            # Django renders a bound field from what was sent.
            self.data = MultiValueDict({**dict(self.data.lists()), "held": [name]})  # type: ignore[attr-defined]
            self._set_help_texts()
            for field in _FIELDS.values():
                self[field].help_text = self.fields[field].help_text

    @override
    @sensitive_variables()
    def clean(self) -> dict[str, Any]:
        """Each problem at its field; without any, the consequences of saving."""
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
        typed_secrets.delete(self.cleaned_data["held"])
        return super().save(commit)

    def _app(self) -> SocialApp:
        """The app before the change; a new one has a secret until another kind is chosen."""
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
        """Secrets typed now, else those typed before into the same form."""
        stored = typed_secrets.load(self.user_id, cleaned.get("held", ""))
        slots = SLOTS.get(cleaned.get("credential") or "", _FIELDS)  # type: ignore[arg-type]
        stored = {n: text for n, text in stored.items() if n.removesuffix(_UNREAD) in slots}
        for slot, field in _SECRETS.items():
            if text := cleaned.get(field) or stored.get(slot):
                self._typed[slot] = text
        for slot in SLOTS["certificate"]:
            self._read_certificate(slot, cleaned, stored)

    @sensitive_variables()
    def _read_certificate(self, slot: str, cleaned: dict[str, Any], stored: dict[str, str]) -> None:
        field, upload = f"{slot}_text", cleaned.get(f"{slot}_file")
        passphrase = cleaned.get(f"{slot}_passphrase") or ""
        text = cleaned.get(field) or ""
        if upload and text:
            self.add_error(field, _("Paste it or upload it, not both."))
            return
        data = upload.read() if upload else text.encode()
        data = data or base64.b64decode(stored.get(slot + _UNREAD, ""))
        if not data:
            if slot in stored:
                self._typed[slot] = stored[slot]
            return
        try:
            self._typed[slot] = microsoft_app.read_certificate(data, passphrase)
        except OperatorError as problem:
            self._typed[slot + _UNREAD] = base64.b64encode(data).decode()
            self.add_error(field, str(problem))

    @sensitive_variables()
    def _changes(self, cleaned: dict[str, Any]) -> microsoft_app.Changes:
        """With secrets only if typed, and dates only if changed: a stored one may have passed."""
        names = ("name", "client_id", "tenant", "domains", "hidden", "promote")
        changes: dict[str, Any] = {name: cleaned[name] for name in names if name in cleaned}
        changes["credential"] = cleaned.get("credential") or None
        changes |= {slot: text for slot, text in self._typed.items() if not slot.endswith(_UNREAD)}
        if "managed_identity" in self.changed_data and "managed_identity" in cleaned:
            changes["managed_identity"] = cleaned["managed_identity"].strip()
        for name in _EXPIRIES:
            if name in self.changed_data and name in cleaned:
                changes[name] = cleaned[name] or ""
        return microsoft_app.Changes(**changes)

    def _set_help_texts(self) -> None:
        """Say beside each secret's empty field whether one is stored."""
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
    """The stored date; None for an invalid one."""
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        return None
