"""What the settings say by themselves: Django's system checks, and a few facts to compare."""

from __future__ import annotations

import hashlib
import os
import platform
from typing import TYPE_CHECKING, Final

import django
from django.conf import settings
from django.core import checks

from accounts.checks import SHOWS_AS
from accounts.operate.doctor.finding import Finding, ok, warning

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET_KEY_FINGERPRINT: Final = "environment.secret_key"  # noqa: S105
_PROXIES: Final = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


def look() -> Iterator[Finding]:
    """All system checks as findings, then the facts."""
    messages = [message for message in checks.run_checks() if not message.is_silenced()]
    yield from map(_of_check, messages)
    if not any(message.is_serious() for message in messages):
        yield ok("environment.checks", "System checks: nothing serious")
    yield _facts()
    yield ok(
        SECRET_KEY_FINGERPRINT,
        f"SECRET_KEY has the fingerprint {fingerprint(settings.SECRET_KEY)}",
        "Every instance and slot must show the same one.",
    )
    yield from _proxy()


def fingerprint(key: str) -> str:
    """Names a key without telling it: instances are compared by it."""
    return hashlib.sha256(b"doctor fingerprint:" + key.encode()).hexdigest()[:8]


def _of_check(message: checks.CheckMessage) -> Finding:
    id_ = message.id or "environment.check"
    fix, _, _ = (message.hint or "Read the message.").partition(" Staff would meet:")
    level: Final = "error" if message.is_serious() else "warning"
    title = message.msg.splitlines()[0]
    return Finding(level, id_, title, message.msg, SHOWS_AS.get(id_, ()), fix)


def _facts() -> Finding:
    versions = f"Python {platform.python_version()}, Django {django.get_version()}"
    mode = "DEBUG" if settings.DEBUG else "production"
    proxies = settings.TRUSTED_PROXY_COUNT
    where = f"{settings.PUBLIC_URL}, {mode}, {proxies} trusted proxies, {versions}"
    return ok("environment.facts", f"Instance {settings.INSTANCE_ID}: {where}")


def _proxy() -> Iterator[Finding]:
    """Requests to Microsoft go straight out: a proxy of the environment is not used."""
    named = [name for name in _PROXIES if os.environ.get(name)]
    if named:
        yield warning(
            "environment.outgoing_proxy",
            f"{named[0]} is set, but requests to Microsoft do not use a proxy",
            "Where only the proxy may go out, Microsoft cannot be reached.",
            shows_as=("microsoft_unreachable",),
            fix="Allow this host to reach MICROSOFT_LOGIN_URL directly; --online shows if it can.",
        )
