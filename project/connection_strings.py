"""Recognizes connection strings of other tools for PostgreSQL and Redis, and says the URL to write.

Portals offer connection strings for one library or another. The messages quote host and port only,
since such a string holds a password.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

import psycopg
from redis.connection import AbstractConnection, Connection, SSLConnection, parse_url

from accounts.configuration.readers import is_host

_ESCAPE: Final = "write the password's special characters as %40 for @, %2F for /, %25 for %"
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PAIR = re.compile(r"\s*([A-Za-z][\w ]*?)\s*=\s*([^;,]*)")
_HOST = re.compile(r"[A-Za-z0-9._-]+")
# These have one database (Microsoft, "What is Azure Managed Redis?", feature comparison).
_ONE_DATABASE: Final = (".redis.azure.net", ".redisenterprise.cache.azure.net")
_NUMBERS: Final = ("connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval")
_CERT_REQS: Final = ("none", "optional", "required")
_SSLMODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
# Options of Django's own, which it does not pass to libpq.
_DJANGO_OPTIONS: Final = frozenset(
    {"assume_role", "isolation_level", "pool", "prepare_threshold", "server_side_binding"}
)


def refuse_other_redis(text: str) -> None:
    """Raises ValueError for a Redis connection string that is not a URL."""
    if text.lower().startswith(("redis-cli", "$ redis-cli")):
        raise ValueError("is a command: take the URL after -u, or write rediss://:KEY@HOST:PORT/0")
    if "://" in text:
        return
    pairs = _pairs(text.partition(",")[2], ",")
    if {"password", "ssl", "abortconnect", "user"} & set(pairs):
        scheme = "rediss" if pairs.get("ssl", "").lower() == "true" else "redis"
        server = _host_and_port(text.partition(",")[0], "6380" if scheme == "rediss" else "6379")
        raise ValueError(
            "is a connection string for .NET (StackExchange.Redis), as Azure's portal gives it:"
            f" write {scheme}://:KEY@{server}/0, and {_ESCAPE}"
        )
    if re.fullmatch(r"[A-Za-z0-9.-]+(:\d+)?", text) and ("." in text or ":" in text):
        raise ValueError(f"is a host alone: write rediss://:KEY@{_host_and_port(text, '6380')}/0")


def refuse_other_database(text: str) -> None:
    """Raises ValueError for a database connection string that is not a URL."""
    advice = "write postgres://USER:PASSWORD@{}/NAME?sslmode=verify-full"
    if text.lower().startswith("jdbc:"):
        host = text.partition("//")[2].partition("/")[0]
        raise ValueError(f"is JDBC's: {advice.format(_host_and_port(host, '5432'))}")
    if text.startswith("psql "):
        raise ValueError(f"is a command: {advice.format('HOST:5432')}")
    if re.match(r"postgres(ql)?:/?[^/]", text):
        raise ValueError("must start with postgres://, with two slashes")
    if re.match(r"postgres(ql)?\+\w+://", text):
        raise ValueError("is SQLAlchemy's: write postgres:// without what follows the +")
    if "://" in text.partition("?")[0]:
        return
    whose, pairs = ("ADO.NET's", _pairs(text, ";")) if ";" in text else ("libpq's", _pairs(text))
    if named := pairs.get("server") or pairs.get("host"):
        server = _host_and_port(f"{named}:{pairs.get('port', '5432')}", "5432")
        raise ValueError(f"is a string of keywords, {whose}: {advice.format(server)}")


def refuse_bad_database(entry: Mapping[str, Any]) -> None:
    """Raises ValueError for a parsed URL that names no PostgreSQL database."""
    if re.search(r"[/,;]", entry["NAME"]):
        raise ValueError(
            "must end in one database's name, without a slash or comma in or behind it"
        )
    refuse_bad_hosts(unquote(entry["HOST"]).split(","))
    _user, _, server = entry["USER"].partition("@")
    if server and entry["HOST"].startswith(f"{server}."):
        raise ValueError(f"has the user of Azure's former Single Server: leave @{server} out")


def refuse_bad_hosts(hosts: Iterable[str]) -> None:
    """Raises ValueError for an invalid host name; a path is a socket."""
    if any(host and not host.startswith("/") and not is_host(host.lower()) for host in hosts):
        raise ValueError("names no host that there can be, after the @ and before the port")


def refuse_unescaped(url: str) -> None:
    """Raises ValueError for a bare %, which libraries decode in different ways, or a fragment."""
    if _BAD_PERCENT.search(url.partition("?")[0]):
        raise ValueError(f"has a % that begins no code: {_ESCAPE}")
    if "#" in url:
        raise ValueError(f"has a #: write it as %23, and {_ESCAPE}")


def refuse_bad_redis_options(url: str, host: str, path: str) -> None:
    """Raises ValueError for options that redis-py's connections do not take, or not together.

    They would raise TypeError on the first page.
    """
    try:
        options: Mapping[str, Any] = parse_url(url)  # type: ignore[no-untyped-call]
    except ValueError as problem:
        raise ValueError(f"has an option that cannot be read: {problem}") from None
    tls = url.startswith("rediss")
    known = set(_parameters(SSLConnection if tls else Connection)) | {"max_connections", "timeout"}
    for name in sorted(set(options) - known - {"connection_class"}):
        advice = "write rediss:// for TLS" if name.startswith("ssl") else "leave it out"
        raise ValueError(f"has an option {name}, which there is none of: {advice}")
    if (cert_reqs := str(options.get("ssl_cert_reqs", "required"))) not in _CERT_REQS:
        raise ValueError(f"has ssl_cert_reqs={cert_reqs[:20]}: one of {', '.join(_CERT_REQS)}")
    if options.get("username") and not options.get("password"):
        raise ValueError("has a user and no password: a key alone follows a colon, as in :KEY@")
    if host.endswith(_ONE_DATABASE) and not tls:
        raise ValueError("must start with rediss://: Azure Managed Redis speaks TLS (port 10000)")
    if host.endswith(_ONE_DATABASE) and path.strip("/") not in ("", "0"):
        raise ValueError(
            "asks for a second database, and Azure Managed Redis has one: end it in /0"
        )


def refuse_bad_database_options(options: Mapping[str, Any]) -> None:
    """Raises ValueError for options that libpq would refuse with every connection."""
    of_libpq = {option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults()}
    for name in sorted(set(options) - of_libpq - _DJANGO_OPTIONS):
        advice = (
            "write sslmode=verify-full" if name.lower() in ("ssl", "ssl mode") else "leave it out"
        )
        raise ValueError(f"has an option {name}, which there is none of: {advice}")
    for name in _NUMBERS:
        if not re.fullmatch(r"-?\d+", str(options.get(name, "0")), re.ASCII):
            raise ValueError(f"has an option {name} that is no number")
    if (mode := options.get("sslmode")) is not None and mode not in _SSLMODES:
        raise ValueError(f"has an sslmode that there is none of: one of {', '.join(_SSLMODES)}")


def _parameters(connection: type) -> Iterator[str]:
    for class_ in (connection, Connection, AbstractConnection):
        yield from inspect.signature(class_).parameters


def _pairs(text: str, separator: str | None = None) -> dict[str, str]:
    matches = map(_PAIR.fullmatch, text.split(separator))
    return {found[1].lower(): found[2].strip() for found in matches if found}


def _host_and_port(host: str, port: str) -> str:
    """Host and port, with HOST for anything that may be part of a secret."""
    name, _, number = host.strip().partition(":")
    found = _HOST.fullmatch(name)
    return f"{found[0] if found else 'HOST'}:{number if number.isdecimal() else port}"
