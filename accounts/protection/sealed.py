"""Values in stores that others can write to: authenticated under SECRET_KEY, each for one purpose.

By Django's signing (HMAC-SHA256), with the purpose in the salt, so that nobody who can write to
Redis can pass one entry off as another. Keys in SECRET_KEY_FALLBACKS still unseal.
"""

from __future__ import annotations

from typing import Any

from django.core import signing


class NotSealed(Exception):
    """The value was not sealed with this SECRET_KEY and for this purpose."""


def seal(purpose: str, value: object) -> str:
    """The JSON value, signed but not encrypted; `unseal` takes it for the same purpose only."""
    return signing.dumps(value, salt=_salt(purpose), compress=True)


def unseal(purpose: str, text: object) -> Any:
    """The sealed value. Raises NotSealed for anything else."""
    try:
        return signing.loads(str(text), salt=_salt(purpose))
    except (signing.BadSignature, ValueError) as problem:
        raise NotSealed from problem


def _salt(purpose: str) -> str:
    return f"accounts.sealed:{purpose}"  # fixed: stored values must stay readable
