"""The form's fieldsets, one for each kind of credential, and its fields for secrets.

No secret is ever rendered, not even one that was just typed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy
from typing_extensions import override

from ...display.naming import as_set_here_lazy
from ...operate.microsoft_app import LONGEST_SECRET
from ..uploads import UploadField

_LONGEST_TEXT: Final = 32 * 1024
_NEXT: Final = gettext_lazy(
    "Enter it before the other expires: it takes over as soon as Microsoft no longer accepts the"
    " first."
)
_PARTS: Final[Mapping[str, tuple[tuple[Any, tuple[str, ...], Any], ...]]] = {
    "secret": (
        (gettext_lazy("Client secret"), ("new_secret", "secret_expires"), ""),
        (gettext_lazy("Next secret"), ("new_next_secret", "next_secret_expires"), _NEXT),
    ),
    "certificate": (
        (
            gettext_lazy("Certificate"),
            ("certificate_text", "certificate_file", "certificate_passphrase"),
            gettext_lazy(
                "With its private key, which is kept encrypted. Upload the certificate alone at"
                " Entra, under Certificates & secrets."
            ),
        ),
        (
            gettext_lazy("Next certificate"),
            ("next_certificate_text", "next_certificate_file", "next_certificate_passphrase"),
            _NEXT,
        ),
    ),
    "managed_identity": (
        (
            gettext_lazy("Managed identity"),
            ("managed_identity",),
            gettext_lazy("User-assigned, in the registration's own tenant, and attached here."),
        ),
    ),
    "token_file": (
        (
            gettext_lazy("Token file"),
            (),
            as_set_here_lazy(
                gettext_lazy(
                    "The file's path is the environment's alone, MICROSOFT_TOKEN_FILE: nothing that"
                    " is entered here chooses a file."
                )
            ),
        ),
    ),
}


class SecretField(forms.CharField):
    """A secret: what is entered replaces the stored one."""

    widget = forms.PasswordInput(
        render_value=False, attrs={"autocomplete": "new-password", "class": "vTextField"}
    )

    def __init__(self, *, label: Any, help_text: Any = "", longest: int = LONGEST_SECRET) -> None:
        super().__init__(label=label, required=False, max_length=longest, help_text=help_text)


class PassphraseField(SecretField):
    """The passphrase of a certificate's key."""

    def __init__(self) -> None:
        help_text = gettext_lazy("Of the key or PFX, where it has one; it is not kept.")
        super().__init__(label=gettext_lazy("Passphrase"), help_text=help_text, longest=256)


class _WriteOnlyTextarea(forms.Textarea):
    @override
    def format_value(self, value: Any) -> str:
        return ""


class PemField(forms.CharField):
    """PEM text with a private key; `data-secret` keeps it out of the browser's drafts."""

    def __init__(self, *, label: Any) -> None:
        attrs = {"rows": 4, "class": "vLargeTextField", "autocomplete": "off"}
        widget = _WriteOnlyTextarea(attrs | {"spellcheck": "false", "data-secret": ""})
        super().__init__(label=label, required=False, max_length=_LONGEST_TEXT, widget=widget)


class KeyFileField(UploadField):
    """A PEM or PFX file."""

    widget = forms.FileInput(attrs={"accept": ".pem,.pfx,.p12"})

    def __init__(self, *, label: Any) -> None:
        too_large = gettext_lazy("That is too large for a certificate.")
        super().__init__(label=label, required=False, most=64 * 1024, too_large=too_large)


def fieldsets_of(kind: str) -> list[tuple[Any, dict[str, Any]]]:
    """The fieldsets for an app with this kind of credential; those of other kinds are collapsed."""
    parts: list[tuple[Any, dict[str, Any]]] = [
        (None, {"fields": ("name", "client_id", "tenant", "credential")})
    ]
    for name, found in _PARTS.items():
        classes = () if name == kind else ("collapse",)
        parts += [
            (title, {"fields": fields, "description": text, "classes": classes})
            for title, fields, text in found
        ]
    return [*parts, (gettext_lazy("Limits"), {"fields": ("promote", "domains", "hidden")})]
