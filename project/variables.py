"""The environment variables: reader, default, meaning and example of each.

Settings, error messages and docs/settings.md are made from this table. A new variable is an entry,
its use in `project/settings.py`, and a rule below if it must fit others.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from typing_extensions import override

from accounts.configuration import readers
from accounts.configuration.table import Variable
from accounts.configuration.variables import OUTSIDE_DEBUG, AppVariables, public_url_on_azure
from accounts.configuration.variables import RULES as OF_APP
from project import stores

T = TypeVar("T")

BASE_DIR: Final = Path(__file__).resolve().parent.parent
DEVELOPMENT_KEY: Final = readers.INSECURE_KEY + "for-development-only-everyone-can-read-it-here"

_AZURE_PACKAGE: Final = "redis_entraid"  # stands for requirements/azure.txt as a whole
_MAX_WORKERS: Final = 9
# Set by platforms that run deployed sites. Not those of Kubernetes and AWS ECS, which also run
# build machines and workspaces. On any platform, gunicorn serves loopback only in DEBUG.
_PLATFORM_VARIABLES: Final = (
    "WEBSITE_HOSTNAME",  # Azure App Service
    "WEBSITE_INSTANCE_ID",
    "WEBSITE_SITE_NAME",
    "CONTAINER_APP_NAME",  # Azure Container Apps
    "DYNO",  # Heroku
    "FLY_APP_NAME",
    "RENDER",
    "RAILWAY_ENVIRONMENT_NAME",
    "K_SERVICE",  # Google Cloud Run
    "GAE_SERVICE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "VCAP_APPLICATION",  # Cloud Foundry
    "PLATFORM_APPLICATION_NAME",  # Platform.sh
    "KOYEB_SERVICE_NAME",
)
_SQLITE: Final = stores.database(f"sqlite:///{BASE_DIR / 'db.sqlite3'}")

# Defaults that depend on other variables


def _only_in_debug(value: T) -> Callable[[Environment], T]:
    def default(env: Environment) -> T:
        if not env.DEBUG:
            raise ValueError(f"is required {OUTSIDE_DEBUG}")
        return value

    return default


def _public_url(env: Environment) -> str:
    if azure := public_url_on_azure(env):
        return azure
    if not env.DEBUG:
        raise ValueError(f"is required {OUTSIDE_DEBUG}")
    return f"http://localhost:{env.PORT}"


def _workers(env: Environment) -> int:
    return min(2 * len(os.sched_getaffinity(0)) + 1, _MAX_WORKERS)


class Environment(AppVariables):
    """All variables that the site reads."""

    SECRET_KEY = Variable(
        readers.secret_key,
        _only_in_debug(DEVELOPMENT_KEY),
        "signs states and cookies; at least 50 characters",
        'the output of: python -c "import secrets; print(secrets.token_urlsafe(64))"',
        default_in_words="required when not `DEBUG`",
        secret=True,
    )
    SECRET_KEY_FALLBACKS = Variable(
        readers.csv(readers.secret_key),
        (),
        "comma-separated former keys, while a key is being replaced",
        "the former SECRET_KEY",
        secret=True,
    )
    PUBLIC_URL = Variable(
        readers.origin,
        _public_url,
        "the one origin that staff use",
        "https://staff.example.com",
        default_in_words="`http://localhost:8000` when `DEBUG`; on Azure App Service"
        " `https://$WEBSITE_HOSTNAME`; else required",
    )
    ALLOWED_HOSTS = Variable(
        readers.csv(readers.host),
        (),
        "comma-separated further hosts (health probes, slots)",
        "staging.example.com,10.0.0.4",
    )
    DATABASE_URL = Variable(
        stores.database,
        _only_in_debug(_SQLITE),
        "PostgreSQL: `postgres://`; with the option `auth=entra` by managed identity",
        "postgres://user:password@db.example.com:5432/name?sslmode=require",
        default_in_words="a SQLite file when `DEBUG`, else required",
        secret=True,
    )
    REDIS_URL = Variable[stores.Redis | None](
        stores.redis,
        _only_in_debug(None),
        "Redis: `redis://`, `rediss://`, or several comma-separated `redis+sentinel://` hosts"
        " (`rediss+sentinel://` by TLS) with the master's name; with the option `auth=entra`"
        " by managed identity",
        "rediss://:password@redis.example.com:6380/0",
        default_in_words="none when `DEBUG` (sessions then live in the database), else required",
        secret=True,
    )
    WEB_CONCURRENCY = Variable(
        readers.number(1, 256),
        _workers,
        "gunicorn's workers",
        "4",
        default_in_words=f"two per core plus one, at most {_MAX_WORKERS}",
    )
    PORT = Variable(readers.number(1, 65535), 8000, "gunicorn's port", "8000")
    LOG_FORMAT = Variable(
        readers.choice("text", "json"),
        lambda env: "text" if env.DEBUG else "json",
        "format of the log, one line per event",
        "json",
        default_in_words="`text` when `DEBUG`, else `json`",
    )
    TIME_ZONE = Variable(readers.zone, "UTC", "time zone of displayed times", "Europe/Berlin")

    def __init__(
        self, environ: Mapping[str, str], find_package: Callable[[str], object | None] = find_spec
    ) -> None:
        super().__init__(environ)
        self.find_package = find_package

    @override
    def may_be_http(self, url: str) -> bool:
        """Also at a name without a dot, as test set-ups have."""
        host = urlsplit(url).hostname or ""
        return super().may_be_http(url) or not any(mark in host for mark in ".:")


# Rules across variables


def _debug_on_this_machine_only(env: Environment) -> None:
    """DEBUG shows tracebacks and settings to everyone, and the emulator signs anyone in."""
    if not env.DEBUG:
        return
    if found := next((name for name in _PLATFORM_VARIABLES if env.environ.get(name)), ""):
        env.wrong("DEBUG", f"must not be true on a host that others reach ({found} is set)")
    if not readers.is_loopback(env.PUBLIC_URL):
        env.wrong("DEBUG", f"must not be true at {env.PUBLIC_URL}, which is not this machine")
    if others := [name for name in env.ALLOWED_HOSTS if not readers.is_this_machine(name)]:
        env.wrong("DEBUG", f"must not be true with {others[0]} in ALLOWED_HOSTS")


def _postgresql_outside_debug(env: Environment) -> None:
    if env.DATABASE_URL["ENGINE"] == stores.SQLITE and not env.DEBUG:
        env.wrong("DATABASE_URL", f"must start with postgres:// {OUTSIDE_DEBUG}")


def _packages_for_entra(env: Environment) -> None:
    if env.find_package(_AZURE_PACKAGE) is not None:
        return
    if env.MICROSOFT_MANAGED_IDENTITY_CLIENT_ID:
        env.wrong(
            "MICROSOFT_MANAGED_IDENTITY_CLIENT_ID",
            "needs azure-identity: pip install -r requirements/azure.txt first",
        )
    problem = "has auth=entra: pip install -r requirements/azure.txt first"
    if env.DATABASE_URL["BY_ENTRA"]:
        env.wrong("DATABASE_URL", problem)
    if env.REDIS_URL and env.REDIS_URL.by_entra:
        env.wrong("REDIS_URL", problem)


RULES: Final[tuple[Callable[[Environment], None], ...]] = (
    _debug_on_this_machine_only,
    *OF_APP,
    _postgresql_outside_debug,
    _packages_for_entra,
)
VARIABLES: Final[Mapping[str, Variable[Any]]] = Environment.variables()


def load(
    environ: Mapping[str, str], find_package: Callable[[str], object | None] = find_spec
) -> Environment:
    """The checked environment. Raises BadEnvironment with all problems."""
    env = Environment(environ, find_package)
    env.check(RULES)
    return env
