"""The chain's canonical bytes, digests, and signatures under SECRET_KEY.

Digests need no key, so the newest signature covers all links before it, and old entries can be
verified after a rotation of SECRET_KEY. FIPS 198-1 (HMAC) with SHA-256.
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
    """The value as JSON, always in the same bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def digest(*parts: bytes) -> str:
    """SHA-256 over the parts, each preceded by its length."""
    hashed = hashlib.sha256()
    for part in parts:
        hashed.update(len(part).to_bytes(8, "big") + part)
    return hashed.hexdigest()


def text_digest(text: AuditText) -> str:
    """Salted, so that an erased text, whose salt is erased too, cannot be guessed."""
    fields = {"person": text.person, "name": text.name, "content": text.content}
    return digest(text.salt.encode(), canonical({**fields, "role": text.role}))


def link_digest(before: str, seq: int, entry: AuditEntry) -> str:
    """The digest of an entry and, through `before`, of all earlier links."""
    return digest(before.encode(), str(seq).encode(), _entry_bytes(entry))


def sign(row: AuditEntry | AuditSeal) -> None:
    """Set the row's signature, and the ID of its key, which is SECRET_KEY's."""
    key = _keys()[0]
    row.key_id, row.mac = _key_id(key), _mac(key, row)


def is_signed(row: AuditEntry | AuditSeal) -> bool | None:
    """Whether the row's signature is right; None when its key is no longer known."""
    key = next((key for key in _keys() if _key_id(key) == row.key_id), None)
    return None if key is None else hmac.compare_digest(_mac(key, row), row.mac)


def _entry_bytes(entry: AuditEntry) -> bytes:
    """All fields of an entry; its texts as digests, which outlive them."""
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


def _keys() -> list[bytes]:
    every = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return [hashlib.sha256(_PURPOSE + key.encode()).digest() for key in every]


def _key_id(key: bytes) -> str:
    return hashlib.sha256(b"name:" + key).hexdigest()[:8]


def _mac(key: bytes, row: AuditEntry | AuditSeal) -> str:
    if isinstance(row, AuditEntry):
        data = _entry_bytes(row)
    else:
        data = canonical([row.seq, row.digest, row.vouched])
    return hmac.new(key, data, hashlib.sha256).hexdigest()
