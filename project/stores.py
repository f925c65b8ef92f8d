"""Parses DATABASE_URL and REDIS_URL. No message quotes a URL: it holds a password.

Their option `auth=entra` means a managed identity instead of a password. It is removed here, since
no library knows it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urlsplit

import environ

from accounts.configuration import readers
from project import connection_strings

SQLITE: Final = "django.db.backends.sqlite3"
_POSTGRESQL: Final = "project.postgresql"
_ENGINES: Final = {
    "postgres": _POSTGRESQL,
    "postgresql": _POSTGRESQL,
    "sqlite": SQLITE,
}
_SENTINEL: Final = "redis+sentinel"
_SENTINEL_BY_TLS: Final = "rediss+sentinel"
_SENTINEL_PORT: Final = 26379
_ENCRYPTED: Final = ("require", "verify-ca", "verify-full")
# Options that would send the token elsewhere, weaken TLS, or replace the token.
_NEVER_WITH_ENTRA: Final = frozenset(
    {"host", "hostaddr", "password", "passfile", "service", "username"}
    | {"ssl_cert_reqs", "ssl_check_hostname"}
)
_WITH_FURTHER_HOSTS = re.compile(r"(@[^@,/]*),[^@/?]*(?=[/?]|$)")
_MASTER = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True, repr=False)
class Redis:
    """One server's `url`; with `sentinels` its host is the master's name."""

    text: str
    url: str
    sentinels: tuple[tuple[str, int], ...] = ()
    sentinels_by_tls: bool = False  # and the master
    by_entra: bool = False


def database(value: str) -> dict[str, Any]:
    """A DATABASES entry; its BY_ENTRA is for project.postgresql. Raises ValueError."""
    connection_strings.refuse_other_database(value)
    connection_strings.refuse_unescaped(value)
    scheme = _split(_WITH_FURTHER_HOSTS.sub(r"\1", value)).scheme
    if scheme not in _ENGINES:
        raise ValueError(f"must start with postgres://, not {scheme or 'nothing'}://")
    url, by_entra = _without_auth(value)
    entry: dict[str, Any] = environ.Env.db_url_config(url)  # type: ignore[no-untyped-call]
    if not entry["NAME"]:
        raise ValueError("names no database: its name comes after the host and a slash")
    if by_entra:
        _check_identity(entry, url)
    if scheme != "sqlite":
        connection_strings.refuse_bad_database(entry)
        connection_strings.refuse_bad_database_options(entry.get("OPTIONS", {}))
    host = unquote(entry["HOST"])  # %2Frun%2Fpostgresql is a socket's directory
    return {**entry, "HOST": host, "ENGINE": _ENGINES[scheme], "BY_ENTRA": by_entra}


def _check_identity(entry: dict[str, Any], url: str) -> None:
    if entry["PASSWORD"] or not entry["USER"]:
        raise ValueError("needs a user and no password with auth=entra: postgres://IDENTITY@host")
    encrypted = entry.get("OPTIONS", {}).get("sslmode") in _ENCRYPTED
    if not encrypted and not readers.is_loopback(url):
        raise ValueError(
            "needs sslmode=verify-full (or verify-ca, require) with auth=entra:"
            " others could read the token"
        )


def redis(value: str) -> Redis:
    """One redis:// or rediss:// server, or several redis+sentinel:// hosts of one master.

    rediss+sentinel:// means TLS to Sentinels and master. Raises ValueError.
    """
    connection_strings.refuse_other_redis(value)
    connection_strings.refuse_unescaped(value)
    url, by_entra = _without_auth(value)
    parts = [_split(part.strip()) for part in url.split(",")]
    connection_strings.refuse_bad_hosts(part.hostname or "" for part in parts)
    if by_entra:
        _check_login(url, parts)
    if {part.scheme for part in parts} in ({_SENTINEL}, {_SENTINEL_BY_TLS}):
        return _by_sentinel(value, parts)
    if len(parts) > 1:
        raise ValueError(
            "lists several hosts: each must then start with redis+sentinel://, or each"
            " with rediss+sentinel://"
        )
    _check_server(parts[0])
    connection_strings.refuse_bad_redis_options(url, parts[0].hostname or "", parts[0].path)
    return Redis(text=value, url=url, by_entra=by_entra)


def _check_server(parts: SplitResult) -> None:
    if parts.scheme not in ("redis", "rediss"):
        raise ValueError("must start with redis://, rediss://, redis+sentinel:// or the like")
    if not parts.hostname:
        raise ValueError("names no host")
    if not re.fullmatch(r"/?\d{0,4}", parts.path):
        raise ValueError("may have nothing but the number of a database after the host")


def _check_login(url: str, parts: list[SplitResult]) -> None:
    if any("@" in part.netloc for part in parts):
        raise ValueError("may have neither user nor password with auth=entra: the identity is both")
    if any(part.scheme in (_SENTINEL, _SENTINEL_BY_TLS) for part in parts):
        raise ValueError("may have auth=entra for one rediss:// server, not with Sentinels")
    if parts[0].scheme != "rediss" and not readers.is_loopback(url):
        raise ValueError("must start with rediss:// with auth=entra: others could read the token")


def _by_sentinel(value: str, parts: list[SplitResult]) -> Redis:
    """The master's name is the path of every host, or of the last one only."""
    with_path = [part for part in parts if part.path.strip("/")]
    paths = {part.path.strip("/") for part in with_path}
    if not paths:
        raise ValueError("names no master: it comes after the last host and a slash")
    if len(paths) > 1:
        raise ValueError("names different masters: all hosts must watch the same one")
    if not all(part.hostname for part in parts):
        raise ValueError("has an entry without a host")
    sentinels = tuple((part.hostname or "", part.port or _SENTINEL_PORT) for part in parts)
    url = _master_url(paths.pop(), with_path[-1])
    by_tls = parts[0].scheme == _SENTINEL_BY_TLS
    return Redis(text=value, url=url, sentinels=sentinels, sentinels_by_tls=by_tls)


def _master_url(path: str, parts: SplitResult) -> str:
    """As django-redis takes it: with the master's name as host."""
    master, _, number = path.partition("/")
    if not _MASTER.fullmatch(unquote(master)) or not re.fullmatch(r"\d{0,4}", number):
        raise ValueError("must end in the master's name, and after a slash a database's number")
    login = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    query = f"?{parts.query}" if parts.query else ""
    return f"redis://{login}{master}/{number or 0}{query}"


def _split(value: str) -> SplitResult:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise ValueError(
            "cannot be read: write special characters of the password as %40 and the like"
        ) from None
    if parts.port == 0:
        raise ValueError("has the port 0, at which nothing listens")
    return parts


def _without_auth(value: str) -> tuple[str, bool]:
    """The URL without the option `auth`, and whether it was `auth=entra`."""
    address, _, query = value.partition("?")
    options = query.split("&")
    auth = [option for option in options if option.partition("=")[0] == "auth"]
    if any(option != "auth=entra" for option in auth):
        raise ValueError("has an option auth that is not auth=entra")
    refused = _NEVER_WITH_ENTRA.intersection(option.partition("=")[0] for option in options)
    if auth and refused:
        raise ValueError(f"may not have {min(refused)} with auth=entra")
    others = "&".join(option for option in options if option not in auth)
    return f"{address}?{others}" if others else address, bool(auth)
