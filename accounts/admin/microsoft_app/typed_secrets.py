"""Secrets that were typed into a form which was refused: kept for its next sending, never shown.

They lie in the shared cache, encrypted, for a quarter of an hour; the page has a random name for
them only, which is good for whoever typed them.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from django.core.cache import cache
from django.views.decorators.debug import sensitive_variables

from ...protection import secretbox
from ...stores.outages import STORE_ERRORS

_SECONDS: Final = 900


@sensitive_variables()
def keep(user_id: Any, typed: Mapping[str, str]) -> str:
    """The name under which `of` finds it; "" where there is nothing to keep, or no cache."""
    if not typed:
        return ""
    name = secrets.token_urlsafe(24)
    text = secretbox.encrypt(json.dumps({"user": str(user_id), "typed": dict(typed)}))
    with suppress(*STORE_ERRORS):
        cache.set(_key(name), text, timeout=_SECONDS)
        return name
    return ""


@sensitive_variables()
def of(user_id: Any, name: str) -> dict[str, str]:
    """What this person typed; empty when it is too old, or someone else's."""
    if not name.isascii() or len(name) > 64:
        return {}
    try:
        found = json.loads(secretbox.decrypt(str(cache.get(_key(name)) or "")))
    except (*STORE_ERRORS, secretbox.Unreadable, ValueError):
        return {}
    typed: dict[str, str] = found["typed"] if found["user"] == str(user_id) else {}
    return typed


def forget(name: str) -> None:
    """It was saved."""
    with suppress(*STORE_ERRORS):
        cache.delete(_key(name))


def _key(name: str) -> str:
    return f"microsoft-app-typed:{name}"
