"""A session in its store: under a hash of its cookie, and sealed for that name.

Whoever can read the store cannot make a cookie from it, and whoever can write to it can neither
make a session nor move one: an entry under another name than it was sealed for is ignored.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.utils import timezone

from ..protection import sealed

logger = logging.getLogger("django.security.sessions")

NAME_LENGTH: Final = 40  # hexadecimal digits, 160 bits: as many as django_session's key takes
HANDLE_LENGTH: Final = 12
_EXPIRY: Final = "_session_expiry"  # SessionBase.set_expiry's


def name_of(session_key: str | None) -> str:
    """The name in the store of the session with this key, which is the cookie's value."""
    return hashlib.sha256((session_key or "").encode()).hexdigest()[:NAME_LENGTH]


def sealed_entry(name: str, data: Mapping[str, Any]) -> str:
    """The text to store under this name."""
    return sealed.seal(f"session:{name}", dict(data))


def opened_entry(name: str, text: object) -> dict[str, Any] | None:
    """The session's data; None when there is none, it has expired, or it was not sealed here.

    The last is logged, and left to expire: an instance that does not have the new SECRET_KEY yet
    must not end sessions that others can read.
    """
    if text is None:
        return None
    try:
        data = sealed.unseal(f"session:{name}", text)
    except sealed.NotSealed:
        facts = {"event": "session_not_ours", "handle": name[:HANDLE_LENGTH]}
        logger.warning("a session in the store was not sealed by this site", extra=facts)
        return None
    return data if isinstance(data, dict) and not _is_over(data) else None


def _is_over(data: Mapping[str, Any]) -> bool:
    """By the sealed expiry: whoever can write to the store can remove the store's own."""
    expiry = data.get(_EXPIRY)
    return isinstance(expiry, str) and datetime.fromisoformat(expiry) <= timezone.now()
