"""Names in the environment that resemble a variable but are not read: typos, other tools' names."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import Final

_SIMILAR: Final = 0.9  # one wrong character in ten
_SIMILAR_TO_MISSING: Final = 0.75  # where a required variable is missing, more may be meant for it
_MIN_LENGTH: Final = 10  # short names resemble names that mean something else
# Names that other programs and guides use, where they are not similar.
_ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "SECRET_KEY": ("DJANGO_SECRET", "APP_SECRET", "APP_KEY"),
    "PUBLIC_URL": ("BASE_URL", "SITE_URL", "APP_URL", "PUBLIC_HOST", "SITE_DOMAIN", "HOSTNAME_URL"),
    "DATABASE_URL": (
        "AZURE_POSTGRESQL_CONNECTIONSTRING",
        "CUSTOMCONNSTR_DATABASE_URL",
        "POSTGRESQLCONNSTR_DATABASE_URL",
        "DB_URL",
        "PG_URL",
        "POSTGRES_URL",
        "POSTGRESQL_URL",
        "AZURE_POSTGRESQL_HOST",
        "DB_HOST",
        "PGHOST",
        "POSTGRES_HOST",
    ),
    "REDIS_URL": (
        "AZURE_REDIS_CONNECTIONSTRING",
        "CACHE_URL",
        "REDIS_HOST",
        "AZURE_REDIS_HOST",
        "CELERY_BROKER_URL",
        "REDIS_PASSWORD",
    ),
    "MICROSOFT_TENANT_ID": ("SOCIAL_AUTH_AZUREAD_TENANT_OAUTH2_TENANT_ID",),
    "MICROSOFT_CLIENT_ID": (
        "MICROSOFT_APP_ID",
        "MICROSOFT_KEY",
        "MICROSOFT_SSO_APPLICATION_ID",
        "SOCIAL_AUTH_AZUREAD_TENANT_OAUTH2_KEY",
    ),
    "MICROSOFT_CLIENT_SECRET": (
        "MICROSOFT_APP_PASSWORD",
        "SOCIAL_AUTH_AZUREAD_TENANT_OAUTH2_SECRET",
    ),
}
# Settings of Django, and names in other guides, for what a variable here decides.
_DERIVED: Final[Mapping[str, str]] = {
    "CSRF_COOKIE_SECURE": "PUBLIC_URL",
    "CSRF_TRUSTED_ORIGINS": "PUBLIC_URL",
    "GUNICORN_WORKERS": "WEB_CONCURRENCY",
    "MICROSOFT_AUTHORITY": "MICROSOFT_LOGIN_URL",
    "MICROSOFT_REDIRECT_URI": "PUBLIC_URL",
    "PROXY_COUNT": "TRUSTED_PROXY_COUNT",
    "SECURE_PROXY_SSL_HEADER": "TRUSTED_PROXY_COUNT",
    "SECURE_SSL_REDIRECT": "PUBLIC_URL",
    "SESSION_COOKIE_AGE": "SESSION_HOURS",
    "SESSION_COOKIE_SECURE": "PUBLIC_URL",
    "TRUSTED_PROXIES": "TRUSTED_PROXY_COUNT",
    "USE_X_FORWARDED_HOST": "PUBLIC_URL",
    "WEB_WORKERS": "WEB_CONCURRENCY",
}
_PREFIXES: Final = ("AZURE_", "AZURE_AD_", "AAD_", "ENTRA_", "MS_", "MSAL_", "")


def typing_errors(given: Collection[str], known: Collection[str]) -> Iterator[tuple[str, str]]:
    """Pairs of a name that is given but not read, and the known one that it must mean."""
    normalized = {_normalized(name): name for name in known}
    long = [name for name in known if len(name) >= _MIN_LENGTH]
    for name in given:
        if name in known:
            continue
        similar = get_close_matches(name.upper(), long, n=1, cutoff=_SIMILAR)
        in_file = name.removesuffix("_FILE") if name.removesuffix("_FILE") in long else ""
        meant = normalized.get(_normalized(name)) or in_file or next(iter(similar), None)
        if meant:
            yield name, meant


def without_effect(given: Collection[str]) -> Iterator[tuple[str, str]]:
    """Pairs of a name that is given without effect, and the variable to set instead."""
    return ((name, _DERIVED[name]) for name in given if name in _DERIVED)


def candidates(missing: str, given: Collection[str], known: Collection[str]) -> list[str]:
    """Names that are given but not read, and may be meant for a missing variable."""
    unread = {name.upper(): name for name in given if name not in known}
    similar = get_close_matches(missing, unread, n=3, cutoff=_SIMILAR_TO_MISSING)
    meant = unread.keys() & {*similar, *_ALIASES.get(missing, ()), *_prefixed(missing)}
    return sorted(unread[name] for name in meant)


def _normalized(name: str) -> str:
    """The name without case, separators and Django's prefix."""
    return name.upper().removeprefix("DJANGO_").replace("-", "").replace("_", "")


def _prefixed(name: str) -> set[str]:
    """The name as vendors prefix it."""
    rest = name.removeprefix("MICROSOFT_")
    return {prefix + rest for prefix in _PREFIXES} - {name} | {f"APPSETTING_{name}"}
