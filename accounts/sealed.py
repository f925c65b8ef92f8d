"""Values that are kept where others may write: sealed with SECRET_KEY, so that only ours count.

Not secret: whoever reads the store reads them. A seal is for one purpose, so a value cannot be
put in another's place; an older value of the same purpose can, so what ages carries its time.
"""

from __future__ import annotations

from typing import Any

from django.core import signing


class NotOurs(Exception):
    """The text is not one that we sealed for this purpose."""


def seal(purpose: str, value: Any) -> str:
    """The JSON-able value as text, with an HMAC-SHA256 under SECRET_KEY."""
    return _signer(purpose).sign_object(value)


def unseal(purpose: str, text: object) -> Any:
    """What was sealed, under SECRET_KEY or one of SECRET_KEY_FALLBACKS. Raises NotOurs."""
    try:
        return _signer(purpose).unsign_object(text if isinstance(text, str) else "")
    except (signing.BadSignature, ValueError):
        raise NotOurs(purpose) from None


def _signer(purpose: str) -> signing.Signer:
    return signing.Signer(salt=f"accounts.sealed:{purpose}")
