"""What is kept where others can write: authenticated under SECRET_KEY, each for one purpose.

Django's signing (HMAC-SHA256) does it. A value that was sealed under a key of
SECRET_KEY_FALLBACKS opens, and one that was sealed for another purpose does not, so that nobody
who can write to Redis passes off one entry for another.
"""

from __future__ import annotations

from typing import Any

from django.core import signing


class NotSealed(Exception):
    """Nobody who has the SECRET_KEY wrote this, or it was for another purpose."""


def seal(purpose: str, value: object) -> str:
    """The JSON value as text that `unseal` takes for this purpose only; it can be read by all."""
    return signing.dumps(value, salt=_salt(purpose), compress=True)


def unseal(purpose: str, text: object) -> Any:
    """What was sealed. Raises NotSealed, whatever the text is."""
    try:
        return signing.loads(str(text), salt=_salt(purpose))
    except (signing.BadSignature, ValueError) as problem:
        raise NotSealed from problem


def _salt(purpose: str) -> str:
    return f"accounts.sealed:{purpose}"  # whatever this module is called: old values stay readable
