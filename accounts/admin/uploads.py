"""Files uploaded to a form, of a bounded size, read and not kept."""

from __future__ import annotations

from typing import Any

from django import forms
from typing_extensions import override

from ..operate import OperatorError, entra_export


class UploadField(forms.FileField):
    """A file of at most `most` bytes; `too_large` is the message for a larger one."""

    def __init__(self, *, most: int, too_large: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.most = most
        self.too_large = too_large

    @override
    def clean(self, data: Any, initial: Any = None) -> Any:
        file = super().clean(data, initial)
        if file and file.size > self.most:
            raise forms.ValidationError(self.too_large)
        return file


class TextFileField(UploadField):
    """A text file, such as a CSV export from Entra, whose text it returns; "" without a file."""

    @override
    def clean(self, data: Any, initial: Any = None) -> str:
        file = super().clean(data, initial)
        try:
            return entra_export.text_of(file.read()) if file else ""
        except OperatorError as problem:
            raise forms.ValidationError(str(problem)) from None
