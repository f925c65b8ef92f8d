"""Names that look like one of ours and are not read: typing errors, other programs' names."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import Final

# One character wrong in ten. What is missing may be sought further away.
_CLOSE: Final = 0.9
_NOT_FAR: Final = 0.75
_LONG: Final = 10  # short names have neighbours that mean something else
# What other programs and guides call it.
_ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "SECRET_KEY": ("DJANGO_SECRET", "APP_SECRET", "APP_KEY", "SECRET_KEY_BASE"),
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
        "REDISCLOUD_URL",
        "REDIS_HOST",
        "AZURE_REDIS_HOST",
        "CELERY_BROKER_URL",
        "REDIS_PASSWORD",
        "REDIS_TLS_URL",
    ),
    "MICROSOFT_TENANT_ID": (
        "MICROSOFT_TENANT",
        "MICROSOFT_SSO_TENANT_ID",
        "SOCIAL_AUTH_AZUREAD_TENANT_OAUTH2_TENANT_ID",
    ),
    "MICROSOFT_CLIENT_ID": (
        "MICROSOFT_APP_ID",
        "MICROSOFT_CLIENT",
        "MICROSOFT_KEY",
        "MICROSOFT_SSO_APPLICATION_ID",
        "SOCIAL_AUTH_AZUREAD_TENANT_OAUTH2_KEY",
    ),
    "MICROSOFT_CLIENT_SECRET": (
        "MICROSOFT_SECRET",
        "MICROSOFT_APP_PASSWORD",
        "SOCIAL_AUTH_AZUREAD_TENANT_OAUTH2_SECRET",
    ),
    "WEB_CONCURRENCY": ("GUNICORN_WORKERS", "WEB_WORKERS"),
    "TIME_ZONE": ("DJANGO_TIME_ZONE",),
}
# Settings of Django's, and names of other guides, for what follows from one of ours.
_FOLLOWS: Final[Mapping[str, str]] = {
    "CSRF_COOKIE_SECURE": "PUBLIC_URL",
    "CSRF_TRUSTED_ORIGINS": "PUBLIC_URL",
    "MICROSOFT_AUTHORITY": "MICROSOFT_LOGIN_URL",
    "MICROSOFT_REDIRECT_URI": "PUBLIC_URL",
    "PROXY_COUNT": "TRUSTED_PROXY_COUNT",
    "SECURE_PROXY_SSL_HEADER": "TRUSTED_PROXY_COUNT",
    "SECURE_SSL_REDIRECT": "PUBLIC_URL",
    "SESSION_COOKIE_AGE": "SESSION_HOURS",
    "SESSION_COOKIE_SECURE": "PUBLIC_URL",
    "TRUSTED_PROXIES": "TRUSTED_PROXY_COUNT",
    "USE_X_FORWARDED_HOST": "PUBLIC_URL",
}
_VENDORS: Final = ("AZURE_", "AZURE_AD_", "AAD_", "ENTRA_", "MS_", "MSAL_", "")


def typing_errors(given: Collection[str], known: Collection[str]) -> Iterator[tuple[str, str]]:
    """Pairs of a name that is set, and the one of ours that was surely meant."""
    plain = {_plain(name): name for name in known}
    long = [name for name in known if len(name) >= _LONG]
    for name in given:
        if name in known:
            continue
        close = get_close_matches(name.upper(), long, n=1, cutoff=_CLOSE)
        in_file = name.removesuffix("_FILE") if name.removesuffix("_FILE") in long else ""
        meant = plain.get(_plain(name)) or in_file or next(iter(close), None)
        if meant:
            yield name, meant


def without_effect(given: Collection[str]) -> Iterator[tuple[str, str]]:
    """Pairs of a name that is set to no effect, and the one of ours that has it."""
    return ((name, _FOLLOWS[name]) for name in given if name in _FOLLOWS)


def stand_ins(missing: str, given: Collection[str], known: Collection[str]) -> list[str]:
    """Names that are set and may have been meant for one that is missing."""
    unread = [name for name in given if name not in known]
    named = {*_ALIASES.get(missing, ()), *_of_vendors(missing)}
    near = get_close_matches(missing, unread, n=3, cutoff=_NOT_FAR)
    return sorted({*near, *(name for name in unread if name.upper() in named)})


def _plain(name: str) -> str:
    """The name without what does not tell names apart."""
    return name.upper().removeprefix("DJANGO_").replace("-", "").replace("_", "")


def _of_vendors(name: str) -> set[str]:
    rest = name.removeprefix("MICROSOFT_")
    return {vendor + rest for vendor in _VENDORS} - {name} | {f"APPSETTING_{name}"}
