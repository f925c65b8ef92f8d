"""The chain's arithmetic: canonical bytes, digests, and signatures under SECRET_KEY.

Digests need no key, so the newest signature answers for everything before it; a rotation of
SECRET_KEY therefore leaves old entries provable. FIPS 198-1 (HMAC) with SHA-256.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC
from typing import Any, Final

from django.conf import settings

from ..models import AuditEntry, AuditSeal, AuditText

_PURPOSE: Final = b"accounts.audit:"


def canonical(value: Any) -> bytes:
    """The one way in which this value is written."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def digest(*parts: bytes) -> str:
    """SHA-256 over the parts, told apart by their lengths."""
    hashed = hashlib.sha256()
    for part in parts:
        hashed.update(len(part).to_bytes(8, "big") + part)
    return hashed.hexdigest()


def text_digest(text: AuditText) -> str:
    """Hides the text: without the salt, which is erased with it, nobody can guess it back."""
    fields = {"person": text.person, "name": text.name, "content": text.content}
    return digest(text.salt.encode(), canonical({**fields, "role": text.role}))


def entry_bytes(entry: AuditEntry) -> bytes:
    """All that an entry says, its texts by their digests."""
    return canonical(
        {
            "id": str(entry.id),
            "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
            "action": entry.action,
            "actor": [entry.actor_kind, entry.actor_key],
            "subject": [entry.subject_kind, entry.subject_key],
            "reference": entry.reference,
            "texts": entry.texts,
        }
    )


def link_digest(before: str, seq: int, entry: AuditEntry) -> str:
    """The digest of an entry and, through `before`, of all that came earlier."""
    return digest(before.encode(), str(seq).encode(), entry_bytes(entry))


def seal_bytes(seal: AuditSeal) -> bytes:
    """What a seal's signature covers."""
    return canonical([seal.seq, seal.digest, seal.vouched])


def sign(data: bytes) -> tuple[str, str]:
    """The present key's name and its signature."""
    key = _keys()[0]
    return _name(key), _mac(key, data)


def is_signed(data: bytes, key_id: str, mac: str) -> bool | None:
    """Whether the signature is right; None when no key of that name is known any more."""
    key = next((key for key in _keys() if _name(key) == key_id), None)
    return None if key is None else hmac.compare_digest(_mac(key, data), mac)


def _keys() -> list[bytes]:
    every = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return [hashlib.sha256(_PURPOSE + key.encode()).digest() for key in every]


def _name(key: bytes) -> str:
    return hashlib.sha256(b"name:" + key).hexdigest()[:8]


def _mac(key: bytes, data: bytes) -> str:
    return hmac.new(key, data, hashlib.sha256).hexdigest()
