"""Encryption of secrets at rest, with keys derived from SECRET_KEY and SECRET_KEY_FALLBACKS.

Fernet (AES-CBC with HMAC) of `cryptography`. A value without the prefix is an old, unencrypted one
and is read as it is.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

_PREFIX: Final = "enc1:"
_PURPOSE: Final = b"accounts.secretbox:"
_SECRET_WORDS: Final = ("secret", "key", "certificate", "password", "passphrase", "token")


class Unreadable(Exception):
    """The value was encrypted under a key that is neither SECRET_KEY nor a fallback."""


def encrypt(secret: str) -> str:
    """The encrypted secret; "" for ""."""
    return _PREFIX + _box().encrypt(secret.encode()).decode() if secret else ""


def decrypt(value: str) -> str:
    """The secret in an encrypted or old plain value. Raises Unreadable."""
    if not value.startswith(_PREFIX):
        return value
    try:
        return _box().decrypt(value.removeprefix(_PREFIX).encode()).decode()
    except InvalidToken:
        raise Unreadable from None


def rotate(value: str) -> str:
    """The same secret encrypted with SECRET_KEY, so that a fallback key can be removed.

    A value that no key decrypts is returned as it is.
    """
    try:
        return encrypt(decrypt(value))
    except Unreadable:
        return value


def is_secret(name: str) -> bool:
    """Whether a setting of this name holds a secret; the date on which one expires does not."""
    return any(word in name.lower() for word in _SECRET_WORDS) and not name.endswith("_expires")


def is_encrypted(value: str) -> bool:
    """Whether a stored value is encrypted."""
    return value.startswith(_PREFIX)


def _box() -> MultiFernet:
    return MultiFernet(
        [Fernet(_key(key)) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    )


def _key(secret_key: str) -> bytes:
    digest = hashlib.sha256(_PURPOSE + secret_key.encode()).digest()
    return base64.urlsafe_b64encode(digest)
