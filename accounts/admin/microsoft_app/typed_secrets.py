"""Secrets typed into an invalid form, stored until it is sent again, since no page shows them.

They are in the shared cache, encrypted, for 15 minutes, under a random name that the page has; only
whoever typed them can load them.
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
def store(user_id: Any, typed: Mapping[str, str]) -> str:
    """Store them; returns their name, or "" without secrets or a working cache."""
    if not typed:
        return ""
    name = secrets.token_urlsafe(24)
    text = secretbox.encrypt(json.dumps({"user": str(user_id), "typed": dict(typed)}))
    with suppress(*STORE_ERRORS):
        cache.set(_key(name), text, timeout=_SECONDS)
        return name
    return ""


@sensitive_variables()
def load(user_id: Any, name: str) -> dict[str, str]:
    """What this person typed; empty when it has expired or is someone else's."""
    if not name.isascii() or len(name) > 64:
        return {}
    try:
        found = json.loads(secretbox.decrypt(str(cache.get(_key(name)) or "")))
    except (*STORE_ERRORS, secretbox.Unreadable, ValueError):
        return {}
    typed: dict[str, str] = found["typed"] if found["user"] == str(user_id) else {}
    return typed


def delete(name: str) -> None:
    with suppress(*STORE_ERRORS):
        cache.delete(_key(name))


def _key(name: str) -> str:
    return f"microsoft-app-typed:{name}"
