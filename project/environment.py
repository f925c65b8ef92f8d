"""The site's environment as one frozen value: every default, and what must fit together."""

from __future__ import annotations

import hashlib
import socket
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from project import stores, values
from project.env import Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

BASE_DIR: Final = Path(__file__).resolve().parent.parent

MICROSOFT: Final = "https://login.microsoftonline.com"
EMULATOR_TENANT: Final = "11111111-1111-4111-8111-111111111111"
EMULATOR_CLIENT_ID: Final = "33333333-3333-4333-8333-333333333333"
EMULATOR_CLIENT_SECRET: Final = "emulator-secret-not-for-production"  # noqa: S105
DEVELOPMENT_KEY: Final = values.INSECURE_KEY + "for-development-only-everyone-can-read-it-here"
_SQLITE: Final = f"sqlite:///{BASE_DIR / 'db.sqlite3'}"
_OUTSIDE_DEBUG: Final = "when DEBUG is not true"
_BRINGS_ENTRA: Final = "redis_entraid"  # of requirements/azure.txt, which needs azure-identity too
_NOTHING: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Microsoft:
    """Where, and as which app registration, people sign in."""

    login_url: str
    tenant: str
    allowed_tenants: frozenset[str]
    client_id: str
    client_secret: str
    allow_guests: bool


@dataclass(frozen=True, slots=True, repr=False)
class Environment:
    """All of DESIGN 1.2; no repr, since it holds secrets."""

    debug: bool
    secret_key: str
    secret_key_fallbacks: tuple[str, ...]
    public_url: str
    allowed_hosts: tuple[str, ...]
    trusted_proxy_count: int
    database: dict[str, Any]
    redis: stores.Redis | None
    microsoft: Microsoft
    admin_password_login: bool
    session_hours: int
    sign_in_log_days: int
    web_concurrency: int | None
    port: int
    log_format: str
    instance_id: str


def load(
    environ: Mapping[str, str], find_package: Callable[[str], object | None] = find_spec
) -> Environment:
    """Read everything; raises BadEnvironment with all that is wrong."""
    reader = Reader(environ)
    debug = reader.read("DEBUG", values.flag, default=False)
    required = "" if debug else _OUTSIDE_DEBUG
    fallbacks = reader.read("SECRET_KEY_FALLBACKS", values.csv(values.secret_key), _NOTHING)
    environment = Environment(
        debug=debug,
        secret_key=reader.read("SECRET_KEY", values.secret_key, DEVELOPMENT_KEY, required=required),
        secret_key_fallbacks=fallbacks,
        public_url=_public_url(reader, environ, debug=debug),
        allowed_hosts=reader.read("ALLOWED_HOSTS", values.csv(values.host), _NOTHING),
        trusted_proxy_count=reader.read("TRUSTED_PROXY_COUNT", values.number(0, 10), 0),
        database=_database(reader, debug=debug),
        redis=reader.read("REDIS_URL", stores.redis, None, required=required),
        microsoft=_microsoft(reader, debug=debug),
        admin_password_login=reader.read("ADMIN_PASSWORD_LOGIN", values.flag, default=False),
        session_hours=reader.read("SESSION_HOURS", values.number(1, 720), 8),
        sign_in_log_days=reader.read("SIGN_IN_LOG_DAYS", values.number(1, 3650), 365),
        web_concurrency=reader.read("WEB_CONCURRENCY", values.number(1, 256), None),
        port=reader.read("PORT", values.number(1, 65535), 8000),
        log_format=reader.read(
            "LOG_FORMAT", values.choice("text", "json"), "text" if debug else "json"
        ),
        instance_id=_instance_id(environ),
    )
    if find_package(_BRINGS_ENTRA) is None:
        _refuse_entra(reader, environment)
    reader.finish()
    return environment


def _refuse_entra(reader: Reader, environment: Environment) -> None:
    without = "has auth=entra: pip install -r requirements/azure.txt first"
    if environment.database["BY_ENTRA"]:
        reader.wrong("DATABASE_URL", without)
    if environment.redis and environment.redis.by_entra:
        reader.wrong("REDIS_URL", without)


def _public_url(reader: Reader, environ: Mapping[str, str], *, debug: bool) -> str:
    url = reader.read("PUBLIC_URL", values.origin, "", required="")
    if not reader.is_set("PUBLIC_URL"):
        return _usual_url(reader, environ, debug=debug)
    if url.startswith("http://") and not debug and not _reachable_by_nobody(url):
        reader.wrong("PUBLIC_URL", "must start with https://: Microsoft sends nobody back to http")
    return url


def _usual_url(reader: Reader, environ: Mapping[str, str], *, debug: bool) -> str:
    azure = environ.get("WEBSITE_HOSTNAME", "")
    if azure:
        return f"https://{azure.lower()}"
    if not debug:
        reader.wrong("PUBLIC_URL", f"is required {_OUTSIDE_DEBUG}")
    return f"http://localhost:{reader.read('PORT', values.number(1, 65535), 8000)}"


def _reachable_by_nobody(url: str) -> bool:
    """This machine, or a name without a dot: the rigs that a site is tested in."""
    host = urlsplit(url).hostname or ""
    return values.is_loopback(url) or not any(mark in host for mark in ".:")


def _database(reader: Reader, *, debug: bool) -> dict[str, Any]:
    required = "" if debug else _OUTSIDE_DEBUG
    entry = reader.read(
        "DATABASE_URL", stores.database, stores.database(_SQLITE), required=required
    )
    if entry["ENGINE"] == stores.SQLITE and reader.is_set("DATABASE_URL") and not debug:
        reader.wrong("DATABASE_URL", f"must start with postgres:// {_OUTSIDE_DEBUG}")
    return entry


def _microsoft(reader: Reader, *, debug: bool) -> Microsoft:
    """The registration; in DEBUG the emulator's, until another is named."""
    emulator_port = reader.read("EMULATOR_PORT", values.number(1, 65535), 8400)
    named = any(
        reader.is_set(f"MICROSOFT_{part}") for part in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET")
    )
    emulator = f"http://localhost:{emulator_port}"
    login_url = _login_url(reader, emulator if debug and not named else MICROSOFT)
    at_emulator = debug and values.is_loopback(login_url)
    tenant, allowed = _tenants(reader, at_emulator=at_emulator, debug=debug)
    client_id, client_secret = _client(reader, at_emulator=at_emulator)
    return Microsoft(
        login_url=login_url,
        tenant=tenant,
        allowed_tenants=allowed,
        client_id=client_id,
        client_secret=client_secret,
        allow_guests=reader.read("MICROSOFT_ALLOW_GUESTS", values.flag, default=False),
    )


def _login_url(reader: Reader, default: str) -> str:
    url = reader.read("MICROSOFT_LOGIN_URL", values.origin, default)
    if url.startswith("http://") and not values.is_loopback(url):
        reader.wrong("MICROSOFT_LOGIN_URL", "must start with https:// (http is for this machine)")
    return url


def _tenants(reader: Reader, *, at_emulator: bool, debug: bool) -> tuple[str, frozenset[str]]:
    required = "" if debug else _OUTSIDE_DEBUG
    tenant = reader.read(
        "MICROSOFT_TENANT_ID",
        values.tenant,
        EMULATOR_TENANT if at_emulator else "organizations",
        required="" if at_emulator else required,
    )
    listed = reader.read("MICROSOFT_ALLOWED_TENANTS", values.csv(values.allowed_tenant), _NOTHING)
    if tenant == "organizations" and not listed:
        reader.wrong("MICROSOFT_TENANT_ID", _without_list(reader))
    own = {tenant} if values.is_guid(tenant) else set()
    return tenant, frozenset(listed or own)


def _without_list(reader: Reader) -> str:
    if reader.is_set("MICROSOFT_TENANT_ID"):
        return "may be 'organizations' only together with MICROSOFT_ALLOWED_TENANTS"
    return "is required as soon as MICROSOFT_LOGIN_URL or another app registration is named"


def _client(reader: Reader, *, at_emulator: bool) -> tuple[str, str]:
    is_set = reader.is_set("MICROSOFT_CLIENT_ID"), reader.is_set("MICROSOFT_CLIENT_SECRET")
    if at_emulator and not any(is_set):
        return EMULATOR_CLIENT_ID, EMULATOR_CLIENT_SECRET
    client_id = reader.read("MICROSOFT_CLIENT_ID", values.guid, "")
    secret = reader.read("MICROSOFT_CLIENT_SECRET", values.client_secret, "")
    if is_set == (True, False):
        reader.wrong("MICROSOFT_CLIENT_SECRET", "is required together with MICROSOFT_CLIENT_ID")
    if is_set == (False, True):
        reader.wrong("MICROSOFT_CLIENT_ID", "is required together with MICROSOFT_CLIENT_SECRET")
    return client_id, secret


def _instance_id(environ: Mapping[str, str]) -> str:
    """Which machine serves: a name to compare, that tells outsiders nothing."""
    name = environ.get("WEBSITE_INSTANCE_ID") or socket.gethostname()
    return hashlib.sha256(name.encode()).hexdigest()[:8]
