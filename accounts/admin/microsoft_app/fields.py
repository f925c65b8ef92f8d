"""Fields for what is secret: it goes in, and is never rendered, also not what was just typed."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy
from typing_extensions import override

from ...operate.microsoft_app import LONGEST_SECRET

LARGEST_FILE: Final = 64 * 1024
_LONGEST_TEXT: Final = 32 * 1024


class SecretField(forms.CharField):
    """Typing replaces."""

    widget = forms.PasswordInput(
        render_value=False, attrs={"autocomplete": "new-password", "class": "vTextField"}
    )

    def __init__(self, *, label: Any, help_text: Any = "", longest: int = LONGEST_SECRET) -> None:
        super().__init__(label=label, required=False, max_length=longest, help_text=help_text)


class _Unshown(forms.Textarea):
    @override
    def format_value(self, value: Any) -> str:
        return ""


class PemField(forms.CharField):
    """PEM text with a private key; `data-secret` keeps it out of the browser's drafts."""

    def __init__(self, *, label: Any) -> None:
        attrs = {"rows": 4, "class": "vLargeTextField", "autocomplete": "off"}
        widget = _Unshown(attrs | {"spellcheck": "false", "data-secret": ""})
        super().__init__(label=label, required=False, max_length=_LONGEST_TEXT, widget=widget)


class KeyFileField(forms.FileField):
    """A PEM or PFX file."""

    widget = forms.FileInput(attrs={"accept": ".pem,.pfx,.p12"})

    def __init__(self, *, label: Any) -> None:
        super().__init__(label=label, required=False)

    @override
    def clean(self, data: Any, initial: Any = None) -> Any:
        found = super().clean(data, initial)
        if isinstance(found, UploadedFile) and (found.size or 0) > LARGEST_FILE:
            raise forms.ValidationError(gettext_lazy("That is too large for a certificate."))
        return found
