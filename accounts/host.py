"""This app in another Django site: one dictionary, and one call at the end of its settings.

    from microsoft_admin.host import configure

    MICROSOFT_ADMIN = {"TENANT_ID": "…", "CLIENT_ID": "…", "CLIENT_SECRET": os.environ["…"]}
    configure(globals())

The names are those of docs/settings.md, with or without MICROSOFT_; so are defaults and messages.
What the site has set itself stays as it is: its user model, sessions, caches, adapters, providers.
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

_FILE: Final = "_FILE"
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
# What hosts say of themselves, as in the environment of this project's own site.
_OF_THE_HOST: Final = ("AZURE_", "IDENTITY_", "WEBSITE_")


def _public_url(env: HostVariables) -> str:
    if azure := public_url_on_azure(env):
        return azure
    if env.DEBUG:
        return "http://localhost:8000"
    told = [url for url in env.origins if "*" not in url]
    told = told or [f"https://{host}" for host in env.hosts if host[:1] not in ("*", ".", "")]
    if len(told) != 1:
        raise ValueError("is required: ALLOWED_HOSTS does not name exactly one host")
    return told[0]


class HostVariables(AppVariables):
    """The app's variables, from a dictionary; the origin may follow from the site's settings."""

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
    theirs = settings.get(READ, {}).get(CSRF_FAILURE_BEFORE)
    settings[READ] = _read(settings)
    settings[READ][CSRF_FAILURE_BEFORE] = theirs or settings.get(_SETTING, _DJANGOS_CSRF_FAILURE)
    settings[_SETTING] = f"{NAME}.web.csrf.failure_in_another_site"
    if "allauth.account" not in settings["INSTALLED_APPS"]:
        # Else allauth's migrations would write every user's address anew, in lower case.
        settings.setdefault("ACCOUNT_USER_MODEL_EMAIL_FIELD", None)
        settings.setdefault("ACCOUNT_USER_DISPLAY", str)  # a user may have no `username`
    settings["INSTALLED_APPS"] = _apps(settings["INSTALLED_APPS"])
    settings["MIDDLEWARE"] = _middleware(settings["MIDDLEWARE"])
    if settings[READ]["TRUSTED_PROXY_COUNT"] and _PROXY not in settings["MIDDLEWARE"]:
        settings["MIDDLEWARE"].insert(0, _PROXY)
    backends = settings.get("AUTHENTICATION_BACKENDS")
    backends = list(backends or ["django.contrib.auth.backends.ModelBackend"])
    password = ["PasswordBackend"] if settings[READ]["ADMIN_PASSWORD_LOGIN"] else []
    own = [f"{NAME}.web.backends.{each}" for each in ("MicrosoftBackend", *password)]
    settings["AUTHENTICATION_BACKENDS"] = [*backends, *(b for b in own if b not in backends)]


def _read(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Each variable's value by its name."""
    given = settings.get(DICTIONARY, {})
    if not isinstance(given, dict):
        raise ImproperlyConfigured(f'{DICTIONARY} must be a dictionary: {{"TENANT_ID": "…"}}.')
    variables = HostVariables.variables()
    names = {key_of(name): name for name in variables}
    environ = {n: v for n, v in os.environ.items() if n.startswith(_OF_THE_HOST)}
    environ["DEBUG"] = "true" if settings.get("DEBUG") else "false"
    environ |= {_known(key, names): _as_text(value) for key, value in given.items()}
    origins, hosts = settings.get("CSRF_TRUSTED_ORIGINS", ()), settings.get("ALLOWED_HOSTS", ())
    env = HostVariables(environ, origins, hosts)
    try:
        env.check(RULES)
    except BadEnvironment as problem:
        lines = "\n".join(f"  {as_keys(each, variables)}" for each in problem.problems)
        raise ImproperlyConfigured(f"{DICTIONARY} is not right:\n{lines}") from None
    return {**env.settings(), "REDIS_URL": ""}


def _known(key: object, names: Mapping[str, str]) -> str:
    """The variable's name; raises ImproperlyConfigured for a key that nothing reads."""
    short = key_of(str(key))
    base = short.removesuffix(_FILE)
    if short in names and short != "DEBUG":
        return names[short]
    if base != short and base in names and getattr(HostVariables, names[base]).secret:
        return names[base] + _FILE
    near = get_close_matches(short, [name for name in names if name != "DEBUG"], n=1, cutoff=0.5)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    raise ImproperlyConfigured(f"{DICTIONARY}[{str(key)!r}] is not read by anything.{meant}")


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
    """With Django's admin as ours, where it is Django's own; what is missing, and this app last."""
    own_admin = f"{NAME}.apps.StaffAdminConfig"
    apps = [own_admin if app in _ADMIN else app for app in installed if not _is(app, NAME)]
    return [*apps, *(n for n in _ALLAUTH if not any(_is(app, n) for app in apps)), NAME]


def _is(app: str, name: str) -> bool:
    config = app.removeprefix(f"{name}.apps.")
    return app == name or (config != app and not config.endswith("AdminConfig"))


def _middleware(listed: Iterable[str]) -> list[str]:
    middleware = list(listed)
    middleware[:0] = [_POLICY] if _POLICY not in middleware else []
    missing = [each for each in _BEFORE_SESSIONS if each not in middleware]
    at = _place_of(_SESSIONS, middleware)
    middleware[at:at] = missing
    missing = [each for each in _AFTER_AUTHENTICATION if each not in middleware]
    at = _place_of(_AUTHENTICATION, middleware) + 1
    middleware[at:at] = missing
    return middleware if _ACCOUNT in middleware else [*middleware, _ACCOUNT]


def _place_of(name: str, middleware: list[str]) -> int:
    """Where it stands, or a class of the site's own in its place; the end if there is none."""
    kind = name.rpartition(".")[2]
    places = [i for i, each in enumerate(middleware) if each == name or each.endswith(f".{kind}")]
    return places[0] if places else len(middleware)
