"""Static system checks with stable ids (no I/O); live probes are in accounts/operate.

accounts.E001  sessions live in the memory of one process, or on one disk
accounts.E002  sessions or the cache hold pickles
accounts.E003  the session cookie cannot come back from Microsoft
accounts.E004  nobody can sign in: a piece of the sign-in is not installed
accounts.W001  Easy Auth of App Service is on and stands in front of this site
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004

if TYPE_CHECKING:
    from collections.abc import Iterator

_OF_ONE_PROCESS: Final = (
    "django.core.cache.backends.locmem.LocMemCache",
    "django.core.cache.backends.dummy.DummyCache",
    "django.core.cache.backends.filebased.FileBasedCache",
)


@register(Tags.security)
def sessions_are_shared(**kwargs: Any) -> list[CheckMessage]:
    """The cause of "state mismatch": a session that another worker cannot see."""
    return list(_unshared_sessions())


def _unshared_sessions() -> Iterator[CheckMessage]:
    alias = settings.SESSION_CACHE_ALIAS
    backend = settings.CACHES.get(alias, {}).get("BACKEND", "")
    if settings.SESSION_ENGINE.endswith("backends.cache") and backend in _OF_ONE_PROCESS:
        yield _e001(f"SESSION_ENGINE keeps sessions in CACHES[{alias!r}], which is {backend}")
    if settings.SESSION_ENGINE.endswith(("backends.file", "backends.signed_cookies")):
        yield _e001(f"SESSION_ENGINE is {settings.SESSION_ENGINE}")
    if settings.CACHES.get("default", {}).get("BACKEND", "") in _OF_ONE_PROCESS:
        yield _e001("CACHES['default'], which keeps used states, is of one process")


def _e001(what: str) -> Error:
    return Error(
        f"{what}: other workers and instances cannot see it.",
        hint="Set REDIS_URL=redis://host:6379/0 and leave SESSION_ENGINE and CACHES to"
        " project/settings.py. Staff would meet session_not_found.",
        id="accounts.E001",
    )


@register(Tags.security)
def nothing_is_pickled(**kwargs: Any) -> list[CheckMessage]:
    """A writable Redis must not mean running code."""
    options = settings.CACHES.get("default", {}).get("OPTIONS", {})
    pickles = "Pickle" in str(options.get("SERIALIZER", "")) or (
        settings.CACHES.get("default", {}).get("BACKEND", "").startswith("django_redis")
        and "SERIALIZER" not in options
    )
    if not pickles and not settings.SESSION_SERIALIZER.endswith("PickleSerializer"):
        return []
    hint = "Use django_redis.serializers.json.JSONSerializer and Django's JSONSerializer."
    return [Error("Sessions or the cache are pickled.", hint=hint, id="accounts.E002")]


@register(Tags.security)
def cookie_can_come_back(**kwargs: Any) -> list[CheckMessage]:
    """Each of these makes the browser withhold the cookie at the callback."""
    return [
        Error(
            f"{name} is {value!r}: the session cookie would not come back from Microsoft.",
            hint=f"{hint} Staff would meet cookie_not_sent.",
            id="accounts.E003",
        )
        for name, value, hint in _cookie_problems()
    ]


def _cookie_problems() -> Iterator[tuple[str, object, str]]:
    if str(settings.SESSION_COOKIE_SAMESITE).lower() == "strict":
        yield "SESSION_COOKIE_SAMESITE", settings.SESSION_COOKIE_SAMESITE, "Leave it at Lax."
    if settings.SESSION_COOKIE_DOMAIN:
        yield "SESSION_COOKIE_DOMAIN", settings.SESSION_COOKIE_DOMAIN, "Leave it unset."
    if settings.SESSION_COOKIE_PATH != "/":
        yield "SESSION_COOKIE_PATH", settings.SESSION_COOKIE_PATH, "Leave it at /."
    if settings.SESSION_COOKIE_SECURE and settings.PUBLIC_URL.startswith("http://"):
        yield "SESSION_COOKIE_SECURE", True, "PUBLIC_URL says http; serve the site by https."
    if "session" not in settings.SESSION_COOKIE_NAME:
        yield "SESSION_COOKIE_NAME", settings.SESSION_COOKIE_NAME, "Keep session in its name."


@register(Tags.security)
def the_flow_is_whole(**kwargs: Any) -> list[CheckMessage]:
    """allauth's own adapters would sign people up and match them by unverified email."""
    wanted = {
        "SOCIALACCOUNT_ADAPTER": "accounts.web.adapter.StaffSocialAccountAdapter",
        "ACCOUNT_ADAPTER": "accounts.web.adapter.StaffAccountAdapter",
    }
    return [
        Error(f"{name} is not {value}.", hint=f"Set {name} = {value!r}.", id="accounts.E004")
        for name, value in wanted.items()
        if getattr(settings, name, None) != value
    ]


@register(Tags.security)
def easy_auth_is_off(**kwargs: Any) -> list[CheckMessage]:
    """Easy Auth answers before Django does, and may take the callback for itself."""
    if os.environ.get("WEBSITE_AUTH_ENABLED", "").lower() not in ("1", "true"):
        return []
    hint = "App Service > Authentication > turn it off; this site does the sign-in itself."
    return [Warning("Easy Auth (WEBSITE_AUTH_ENABLED) is on.", hint=hint, id="accounts.W001")]
