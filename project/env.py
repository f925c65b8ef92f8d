"""Reads the environment: each variable through a typed reader, all problems reported at once.

VARIABLES is the one list of what is read; the README's table is tested against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable; `default` and `meaning` in words, `example` to copy."""

    name: str
    default: str
    meaning: str
    example: str


_ALL: Final = (
    Variable("DEBUG", "`false`", "development mode; never on a server that others reach", "false"),
    Variable(
        "SECRET_KEY",
        "required when not `DEBUG`",
        "signs states and cookies; at least 50 characters",
        'the output of: python -c "import secrets; print(secrets.token_urlsafe(64))"',
    ),
    Variable(
        "SECRET_KEY_FALLBACKS",
        "empty",
        "comma list of former keys, while a key is being replaced",
        "the former SECRET_KEY",
    ),
    Variable(
        "PUBLIC_URL",
        "`http://localhost:8000` when `DEBUG`; on Azure App Service"
        " `https://$WEBSITE_HOSTNAME`; else required",
        "the one origin that staff use",
        "https://staff.example.com",
    ),
    Variable(
        "ALLOWED_HOSTS",
        "empty",
        "comma list of further hosts (health probes, slots)",
        "staging.example.com,10.0.0.4",
    ),
    Variable(
        "TRUSTED_PROXY_COUNT",
        "`0`",
        "reverse proxies in front whose `X-Forwarded-Proto` and `X-Forwarded-For` are believed;"
        " Azure App Service: `1`",
        "1",
    ),
    Variable(
        "DATABASE_URL",
        "a SQLite file when `DEBUG`, else required",
        "PostgreSQL: `postgres://`; with the option `auth=entra` by managed identity",
        "postgres://user:password@db.example.com:5432/name?sslmode=require",
    ),
    Variable(
        "REDIS_URL",
        "none when `DEBUG` (sessions then live in the database), else required",
        "Redis: `redis://`, `rediss://`, or several comma-separated `redis+sentinel://` hosts"
        " (`rediss+sentinel://` by TLS) with the master's name; with the option `auth=entra`"
        " by managed identity",
        "rediss://:password@redis.example.com:6380/0",
    ),
    Variable(
        "MICROSOFT_TENANT_ID",
        "the emulator's when `DEBUG`, else required",
        "tenant GUID or verified domain; `organizations` only together with"
        " `MICROSOFT_ALLOWED_TENANTS`",
        "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    ),
    Variable(
        "MICROSOFT_ALLOWED_TENANTS",
        "the tenant above",
        "comma list of tenant GUIDs: the upper bound, which nothing in the database widens",
        "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    ),
    Variable(
        "MICROSOFT_CLIENT_ID",
        "the emulator's when `DEBUG`",
        "Application (client) ID; may be left out when a Microsoft social app exists in admin",
        "16fd2706-8baf-433b-82eb-8c7fada847da",
    ),
    Variable(
        "MICROSOFT_CLIENT_SECRET",
        "the emulator's when `DEBUG`",
        "the client secret's value",
        "the column Value under Certificates & secrets (not Secret ID)",
    ),
    Variable(
        "MICROSOFT_LOGIN_URL",
        "`https://login.microsoftonline.com`; the emulator's when `DEBUG` and nothing above is set",
        "the cloud's authority host (US Government, China, a test server)",
        "https://login.microsoftonline.us",
    ),
    Variable("MICROSOFT_ALLOW_GUESTS", "`false`", "let B2B guests of the tenant in", "true"),
    Variable(
        "ADMIN_PASSWORD_LOGIN", "`false`", "show Django's password form under the button", "true"
    ),
    Variable("SESSION_HOURS", "`8`", "absolute session lifetime after sign-in", "8"),
    Variable("SIGN_IN_LOG_DAYS", "`365`", "how long sign-in records are kept", "365"),
    Variable("WEB_CONCURRENCY", "two a core and one", "gunicorn's workers", "4"),
    Variable("PORT", "`8000`", "gunicorn's port", "8000"),
    Variable("LOG_FORMAT", "`text` when `DEBUG`, else `json`", "one line an event", "json"),
    Variable("EMULATOR_PORT", "`8400`", "the local Microsoft's port; `DEBUG` only", "8400"),
)
VARIABLES: Final[Mapping[str, Variable]] = {variable.name: variable for variable in _ALL}


class BadEnvironment(ImproperlyConfigured):
    """All that is wrong with the environment, one line a problem."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        lines = "\n".join(f"  {problem}" for problem in problems)
        super().__init__(f"The environment is not right:\n{lines}")


class Reader:
    """Reads variables and collects what is wrong with them; an empty value counts as unset."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._problems: dict[str, str] = {}

    def is_set(self, name: str) -> bool:
        """Whether there is a value to read, good or bad."""
        return bool(self._text(name))

    def read(self, name: str, parse: Callable[[str], T], default: T, *, required: str = "") -> T:
        """The parsed value; `default` when unset, which is a problem if `required` says why."""
        value = self._text(name)
        if not value:
            if required:
                self.wrong(name, f"is required {required}")
            return default
        try:
            return parse(value)
        except ValueError as problem:
            self.wrong(name, str(problem))
            return default

    def wrong(self, name: str, what: str) -> None:
        """Note a problem; of several with one variable the first is told."""
        example = VARIABLES[name].example
        self._problems.setdefault(name, f"{name} {what}. Example: {example}")

    def finish(self) -> None:
        """Raise BadEnvironment when anything was wrong."""
        if self._problems:
            raise BadEnvironment([self._problems[n] for n in VARIABLES if n in self._problems])

    def _text(self, name: str) -> str:
        if name not in VARIABLES:
            raise LookupError(f"{name} is not in VARIABLES")
        return self._environ.get(name, "").strip()
