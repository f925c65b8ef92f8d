"""Microsoft's signing keys: only RSA keys for signatures, with a name, and strong enough.

A key without `use` and `key_ops` is taken (RFC 7517, sections 4.2 and 4.3: both are optional). A
key given by its certificate alone (x5c, section 4.7) is read from it; the certificate itself is not
checked, for the keys are trusted because of where they were read.

Entries that do not fit are left out one by one (RFC 7517, section 5).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import RSAAlgorithm
from jwt.exceptions import PyJWTError

MAX_KEYS = 64
# RFC 7518, section 3.3 demands 2048 bits; the upper bound keeps verification cheap.
KEY_BITS = range(2048, 8193)
_MAX_TEXT = 2048
_MAX_CERTIFICATE = 16 * 1024


@dataclass(frozen=True, slots=True)
class SigningKey:
    """`issuer` is the entry's own, where it has one; it may hold `{tenantid}`."""

    kid: str
    public_key: RSAPublicKey
    issuer: str | None
    entry: Mapping[str, str]


def read_keys(document: Mapping[str, Any]) -> dict[str, SigningKey]:
    """Keys by kid; neither of two different keys under one kid."""
    entries = document.get("keys")
    keys: dict[str, SigningKey] = {}
    unclear: set[str] = set()
    for key in map(_read, entries[:MAX_KEYS] if isinstance(entries, list) else []):
        if key is None:
            continue
        if keys.setdefault(key.kid, key).entry != key.entry:
            unclear.add(key.kid)
    return {kid: key for kid, key in keys.items() if kid not in unclear}


def _read(entry: object) -> SigningKey | None:
    fields = _fields(entry) if isinstance(entry, dict) else None
    if fields is None:
        return None
    try:
        key = RSAAlgorithm.from_jwk({"kty": "RSA", "n": fields["n"], "e": fields["e"]})
    except (PyJWTError, ValueError, TypeError, OverflowError):
        return None
    if not isinstance(key, RSAPublicKey) or key.key_size not in KEY_BITS:
        return None
    return SigningKey(fields["kid"], key, fields.get("issuer"), fields)


def _fields(entry: dict[str, Any]) -> dict[str, str] | None:
    """The fields of an entry for RS256 signatures; None for any other."""
    if entry.get("kty") != "RSA" or not _is_for_signatures(entry):
        return None
    if "n" not in entry and "e" not in entry:
        entry = entry | _from_certificate(entry.get("x5c"))
    names = ["kty", "kid", "n", "e", *(["issuer"] if "issuer" in entry else [])]
    fields = {name: entry.get(name) for name in names}
    texts = {k: v for k, v in fields.items() if isinstance(v, str) and 0 < len(v) <= _MAX_TEXT}
    return texts if len(texts) == len(names) else None


def _is_for_signatures(entry: dict[str, Any]) -> bool:
    operations = entry.get("key_ops")
    return (
        entry.get("use") in (None, "sig")
        and entry.get("alg") in (None, "RS256")
        and (operations is None or (isinstance(operations, list) and "verify" in operations))
    )


def _from_certificate(chain: object) -> dict[str, str]:
    """`n` and `e` of the first certificate's key; empty where there is none to read."""
    first = chain[0] if isinstance(chain, list) and chain else None
    if not isinstance(first, str) or len(first) > _MAX_CERTIFICATE:
        return {}
    try:
        key = x509.load_der_x509_certificate(base64.b64decode(first)).public_key()
    except ValueError:
        return {}
    if not isinstance(key, RSAPublicKey):
        return {}
    made: dict[str, str] = RSAAlgorithm.to_jwk(key, as_dict=True)
    return {name: made[name] for name in ("n", "e")}
