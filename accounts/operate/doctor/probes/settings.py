"""The settings: Django's system checks, and a few facts to compare between instances."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Iterator
from typing import Final

import django
from django.conf import settings
from django.core import checks

from ....checks.site import Found
from ....conf import conf
from ..finding import Observation, fault, ok

_PROXIES: Final = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


def run() -> Iterator[Observation]:
    """All system checks, then the facts."""
    messages = [message for message in checks.run_checks() if not message.is_silenced()]
    yield from map(_of_check, messages)
    if not any(message.is_serious() for message in messages):
        yield ok("environment.checks")
    yield ok(
        "environment.facts",
        instance=conf.INSTANCE_ID,
        public_url=conf.PUBLIC_URL,
        mode="DEBUG" if settings.DEBUG else "production",
        proxies=conf.TRUSTED_PROXY_COUNT,
        versions=f"Python {platform.python_version()}, Django {django.get_version()}",
    )
    yield ok("environment.secret_key", fingerprint=fingerprint(settings.SECRET_KEY))
    if variable := next(filter(os.environ.get, _PROXIES), ""):
        yield fault("environment.outgoing_proxy", variable=variable)


def fingerprint(key: str) -> str:
    """Identifies a key without disclosing it, to compare instances."""
    return hashlib.sha256(b"doctor fingerprint:" + key.encode()).hexdigest()[:8]


def _of_check(message: checks.CheckMessage) -> Observation:
    if isinstance(message, Found):
        return fault(str(message.id), **message.facts)
    kind = "environment.check" if message.is_serious() else "environment.check_warning"
    title = message.msg.splitlines()[0]
    hint = message.hint or "Read the message."
    return fault(message.id or kind, title=title, message=message.msg, hint=hint)
