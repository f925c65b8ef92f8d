"""DATABASE_URL and REDIS_URL as Django takes them. No reason quotes a URL: it holds a password."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urlsplit

import environ

SQLITE: Final = "django.db.backends.sqlite3"
_POSTGRESQL: Final = "project.postgresql"
_ENGINES: Final = {
    "postgres": _POSTGRESQL,
    "postgresql": _POSTGRESQL,
    "sqlite": SQLITE,
}
_SENTINEL: Final = "redis+sentinel"
_SENTINEL_PORT: Final = 26379
_MASTER = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True, repr=False)
class Redis:
    """One server's `url`; or the `sentinels` that know where the `master` of that name is."""

    text: str
    url: str
    sentinels: tuple[tuple[str, int], ...] = ()


def database(value: str) -> dict[str, Any]:
    """A DATABASES entry."""
    scheme = _split(value).scheme
    if scheme not in _ENGINES:
        raise ValueError(f"must start with postgres://, not {scheme or 'nothing'}://")
    entry: dict[str, Any] = environ.Env.db_url_config(value)  # type: ignore[no-untyped-call]
    if not entry["NAME"]:
        raise ValueError("names no database: its name comes after the host and a slash")
    return {**entry, "ENGINE": _ENGINES[scheme]}


def redis(value: str) -> Redis:
    """One redis:// or rediss:// server, or several redis+sentinel:// hosts of one master."""
    parts = [_split(part.strip()) for part in value.split(",")]
    if all(part.scheme == _SENTINEL for part in parts):
        return _by_sentinel(value, parts)
    if len(parts) > 1:
        raise ValueError("lists several hosts: each must then start with redis+sentinel://")
    return Redis(text=value, url=_server(value, parts[0]))


def _server(value: str, parts: SplitResult) -> str:
    if parts.scheme not in ("redis", "rediss"):
        raise ValueError("must start with redis://, rediss:// or redis+sentinel://")
    if not parts.hostname:
        raise ValueError("names no host")
    if not re.fullmatch(r"/?\d{0,4}", parts.path):
        raise ValueError("may have nothing but the number of a database after the host")
    return value


def _by_sentinel(value: str, parts: list[SplitResult]) -> Redis:
    """The master's name may stand on the last host only, as it does in other tools."""
    named = [part for part in parts if part.path.strip("/")]
    paths = {part.path.strip("/") for part in named}
    if not paths:
        raise ValueError("names no master: it comes after the last host and a slash")
    if len(paths) > 1:
        raise ValueError("names different masters: all hosts must watch the same one")
    if not all(part.hostname for part in parts):
        raise ValueError("has an entry without a host")
    sentinels = tuple((part.hostname or "", part.port or _SENTINEL_PORT) for part in parts)
    return Redis(text=value, url=_master_url(paths.pop(), named[-1]), sentinels=sentinels)


def _master_url(path: str, parts: SplitResult) -> str:
    """What django-redis takes: the master's name in the place of a host."""
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
    return parts
