"""Adds the app to another Django site: one dictionary, and one call at the end of its settings.

    from microsoft_admin.host import configure

    MICROSOFT_ADMIN = {"TENANT_ID": "…", "CLIENT_ID": "…", "CLIENT_SECRET": os.environ["…"]}
    configure(globals())

The keys are the names in docs/settings.md, with or without MICROSOFT_. The site keeps its own user
model, sessions, caches, adapters and providers.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, MutableMapping
from datetime import date
from difflib import get_close_matches
from typing import Any, Final

from django.core.exceptions import ImproperlyConfigured

from .conf import CSRF_FAILURE_BEFORE, READ
from .configuration import readers
from .configuration.table import BadEnvironment, Variable
from .configuration.variables import RULES, AppVariables, public_url_on_azure
from .display.naming import DICTIONARY, as_keys, key_of

NAME: Final = __name__.rpartition(".")[0]

_ADMIN: Final = ("django.contrib.admin", "django.contrib.admin.apps.AdminConfig")
_ALLAUTH: Final = ("allauth", "allauth.account", "allauth.socialaccount")
_AUTHENTICATION: Final = "django.contrib.auth.middleware.AuthenticationMiddleware"
_SESSIONS: Final = "django.contrib.sessions.middleware.SessionMiddleware"
_BEFORE_SESSIONS: Final = (f"{NAME}.web.middleware.CanonicalOriginMiddleware",)
_AFTER_AUTHENTICATION: Final = (
    f"{NAME}.web.entrance.EntranceMiddleware",
    f"{NAME}.web.session_limits.SessionLimitsMiddleware",
    f"{NAME}.web.audited.AuditMiddleware",
)
_SETTING: Final = "CSRF_FAILURE_VIEW"
_DJANGOS_CSRF_FAILURE: Final = "django.views.csrf.csrf_failure"
_PROXY: Final = f"{NAME}.web.proxy.ProxyMiddleware"
_POLICY: Final = f"{NAME}.web.csp.PolicyMiddleware"
_ACCOUNT: Final = "allauth.account.middleware.AccountMiddleware"
# Variables that Azure sets, which are read as in this project's own site.
_PLATFORM_PREFIXES: Final = ("AZURE_", "IDENTITY_", "WEBSITE_")


def _public_url(env: HostVariables) -> str:
    if azure := public_url_on_azure(env):
        return azure
    if env.DEBUG:
        return "http://localhost:8000"
    urls = [url for url in env.origins if "*" not in url]
    urls = urls or [f"https://{host}" for host in env.hosts if host[:1] not in ("*", ".", "")]
    if len(urls) != 1:
        raise ValueError("is required: ALLOWED_HOSTS does not name exactly one host")
    return urls[0]


class HostVariables(AppVariables):
    """The app's variables; PUBLIC_URL defaults to what the site's own settings imply."""

    PUBLIC_URL = Variable(
        readers.origin,
        _public_url,
        "the one origin that staff use",
        "https://staff.example.com",
        default_in_words="the one host of ALLOWED_HOSTS, by https; `http://localhost:8000` when"
        " `DEBUG`",
    )

    def __init__(
        self, environ: Mapping[str, str], origins: Iterable[str], hosts: Iterable[str]
    ) -> None:
        super().__init__(environ)
        self.origins, self.hosts = list(origins), list(hosts)


def configure(settings: MutableMapping[str, Any]) -> None:
    """Complete a site's settings; called last, with `globals()`. Raises ImproperlyConfigured."""
    before = settings.get(READ, {}).get(CSRF_FAILURE_BEFORE)
    settings[READ] = _read(settings)
    settings[READ][CSRF_FAILURE_BEFORE] = before or settings.get(_SETTING, _DJANGOS_CSRF_FAILURE)
    settings[_SETTING] = f"{NAME}.web.csrf.failure_in_another_site"
    if "allauth.account" not in settings["INSTALLED_APPS"]:
        # Else allauth's migrations would change every user's address to lower case.
        settings.setdefault("ACCOUNT_USER_MODEL_EMAIL_FIELD", None)
        settings.setdefault("ACCOUNT_USER_DISPLAY", str)  # a user may have no `username`
    settings["INSTALLED_APPS"] = _apps(settings["INSTALLED_APPS"])
    settings["MIDDLEWARE"] = _middleware(settings["MIDDLEWARE"])
    if settings[READ]["TRUSTED_PROXY_COUNT"]:
        _insert([_PROXY], 0, settings["MIDDLEWARE"])
    backends = settings.get("AUTHENTICATION_BACKENDS")
    backends = list(backends or ["django.contrib.auth.backends.ModelBackend"])
    password = ["PasswordBackend"] if settings[READ]["ADMIN_PASSWORD_LOGIN"] else []
    own = [f"{NAME}.web.backends.{each}" for each in ("MicrosoftBackend", *password)]
    settings["AUTHENTICATION_BACKENDS"] = [*backends, *(b for b in own if b not in backends)]


def _read(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The dictionary's values and defaults, by variable. Raises ImproperlyConfigured."""
    given = settings.get(DICTIONARY, {})
    if not isinstance(given, dict):
        raise ImproperlyConfigured(f'{DICTIONARY} must be a dictionary: {{"TENANT_ID": "…"}}.')
    names = {key_of(name): name for name in HostVariables.accepted_names() if name != "DEBUG"}
    environ = {n: v for n, v in os.environ.items() if n.startswith(_PLATFORM_PREFIXES)}
    environ["DEBUG"] = "true" if settings.get("DEBUG") else "false"
    environ |= {_name_of(key, names): _as_text(value) for key, value in given.items()}
    origins, hosts = settings.get("CSRF_TRUSTED_ORIGINS", ()), settings.get("ALLOWED_HOSTS", ())
    env = HostVariables(environ, origins, hosts)
    try:
        env.check(RULES)
    except BadEnvironment as problem:
        variables = HostVariables.variables()
        lines = "\n".join(f"  {as_keys(line, variables)}" for line in problem.problems)
        raise ImproperlyConfigured(f"{DICTIONARY} is not right:\n{lines}") from None
    return {**env.settings(), "REDIS_URL": ""}


def _name_of(key: object, names: Mapping[str, str]) -> str:
    """The variable that the key names. Raises ImproperlyConfigured for an unknown key."""
    short = key_of(str(key))
    if short in names:
        return names[short]
    similar = get_close_matches(short, names, n=1, cutoff=0.5)
    question = f" Did you mean {similar[0]!r}?" if similar else ""
    raise ImproperlyConfigured(f"{DICTIONARY}[{str(key)!r}] is not read by anything.{question}")


def _as_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (list, tuple, set, frozenset)):
        return ",".join(map(str, value))
    return str(value)


def _apps(installed: Iterable[str]) -> list[str]:
    """INSTALLED_APPS with our configuration of Django's admin, allauth, and this app last."""
    own_admin = f"{NAME}.apps.StaffAdminConfig"
    apps = [own_admin if app in _ADMIN else app for app in installed if not _is(app, NAME)]
    return [*apps, *(n for n in _ALLAUTH if not any(_is(app, n) for app in apps)), NAME]


def _is(app: str, name: str) -> bool:
    """Whether an entry of INSTALLED_APPS is this package, or a configuration of it."""
    config = app.removeprefix(f"{name}.apps.")
    return app == name or (config != app and not config.endswith("AdminConfig"))


def _middleware(listed: Iterable[str]) -> list[str]:
    middleware = list(listed)
    _insert([_POLICY], 0, middleware)
    _insert(_BEFORE_SESSIONS, _index_of(_SESSIONS, middleware), middleware)
    _insert(_AFTER_AUTHENTICATION, _index_of(_AUTHENTICATION, middleware) + 1, middleware)
    _insert([_ACCOUNT], len(middleware), middleware)
    return middleware


def _insert(names: Iterable[str], index: int, middleware: list[str]) -> None:
    """Insert those that are missing."""
    middleware[index:index] = [name for name in names if name not in middleware]


def _index_of(name: str, middleware: list[str]) -> int:
    """The index of that class or of a site's own class of the same name; else the end."""
    suffix = f".{name.rpartition('.')[2]}"
    found = (i for i, path in enumerate(middleware) if path == name or path.endswith(suffix))
    return next(found, len(middleware))
