"""Static system checks with stable ids (no I/O); live probes are in accounts/operate/doctor.

One id is one fault, which can so be silenced alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.checks import ERROR, INFO, WARNING, CheckMessage, Tags, register
from django.http.request import split_domain_port, validate_host
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.module_loading import import_string
from django.utils.translation import override

from .. import staff_urls, telemetry
from ..app import dotted
from ..conf import conf, is_a_host
from ..display.naming import as_set_here
from ..http.origins import is_loopback
from ..sessions import index
from ..stores.redis_cache import is_redis
from . import static_files, transport


@dataclass(frozen=True, slots=True)
class Check:
    """What is wrong and what to change, with {facts} that the check fills in.

    `shows_as` is what staff see: reason codes, or phrases where they see no page of this site.
    """

    text: str
    hint: str
    shows_as: tuple[str, ...] = ()


_BACKEND: Final = dotted("web.backends.MicrosoftBackend")
_PROXY: Final = dotted("web.proxy.ProxyMiddleware")
_ADAPTERS: Final = {
    "SOCIALACCOUNT_ADAPTER": dotted("web.adapter.StaffSocialAccountAdapter"),
    "ACCOUNT_ADAPTER": dotted("web.adapter.StaffAccountAdapter"),
}
_SHARE: Final = (
    "Set REDIS_URL; leave SESSION_ENGINE and CACHES. In another site: SESSION_ENGINE ="
    ' "django.contrib.sessions.backends.db", or cached_db with Redis in CACHES.'
)
_JSON: Final = (
    "In its OPTIONS name a SERIALIZER that writes JSON, as django-redis has in"
    " django_redis.serializers.json.JSONSerializer."
)
_REMOVE: Final = "Remove it from your settings."
_ORDER: Final = "Leave the order as Django's startproject has it."
_COUNT: Final = "Set TRUSTED_PROXY_COUNT=1, one more for a CDN in front."
_COLLECT: Final = "While building, run: ./manage.py collectstatic --noinput"
_NETWORK: Final = (
    " Where nobody else is on the network between (a private network, a pod, a tunnel):"
    " PRIVATE_NETWORK=true."
)
_DATABASE_TLS: Final = f"Add sslmode=verify-full to DATABASE_URL (at least require).{_NETWORK}"
_REDIS_TLS: Final = f"Begin REDIS_URL with rediss:// (Sentinels: rediss+sentinel://).{_NETWORK}"
_NO_TLS: Final = "{store} on {host} is reached without TLS, and PRIVATE_NETWORK is not true"
_PICKLED: Final = "The cache is pickled: whoever can write to it can run code here"
_LOST: Final = ("session_not_found",)
_UNEXPECTED: Final = ("unexpected",)
_WITHHELD: Final = ("cookie_not_sent",)
_NO_BUTTON: Final = ("a 403 page when the button is pressed",)
_NOT_BACK: Final = "the session cookie would not come back from Microsoft"
_NOT_SENT: Final = "the CSRF cookie would not come with the button's POST"
# Parts of a cookie's settings, and the ids of the fault that each may have.
_COOKIE_PARTS: Final = {
    "DOMAIN": {"SESSION": "E024", "CSRF": "E034"},
    "PATH": {"SESSION": "E025", "CSRF": "E035"},
    "SECURE": {"SESSION": "E026", "CSRF": "E007"},
    "NAME": {"SESSION": "E027", "CSRF": "E036"},
    "SAMESITE": {"SESSION": "E028", "CSRF": "E037"},
}
_COOKIE_HINTS: Final = {
    "DOMAIN": "Leave it unset: it is PUBLIC_URL's host then.",
    "PATH": "Leave it at /.",
    "SECURE": "PUBLIC_URL is {url}; serve the site by https.",
    "NAME": "Browsers demand Secure of such names: {secure} = True.",
    "SAMESITE": "Browsers demand Secure with it. Leave it at Lax.",
}


def _of_parts(which: str, effect: str, shows_as: tuple[str, ...]) -> dict[str, Check]:
    return {
        ids[which]: Check(
            f"{which}_COOKIE_{part} is {{value}}: {effect}", _COOKIE_HINTS[part], shows_as
        )
        for part, ids in _COOKIE_PARTS.items()
    }


CHECKS: Final[Mapping[str, Check]] = {
    "E001": Check(
        "Sessions are not shared between processes: SESSION_ENGINE keeps them in CACHES[{alias}],"
        " which is {backend}",
        _SHARE,
        _LOST,
    ),
    "E020": Check(
        "Sessions are not shared between machines: SESSION_ENGINE is {engine}", _SHARE, _LOST
    ),
    "E021": Check(
        "Sessions are in the cookie, and cannot be ended: SESSION_ENGINE is {engine}", _SHARE
    ),
    "E041": Check(
        "Each process has its own copies of sessions: SESSION_ENGINE keeps them in"
        " CACHES[{alias}], which is {backend}",
        _SHARE,
        ("session_changed",),
    ),
    "E022": Check(
        "Used states are marked in one process only: CACHES['default'] is {backend}",
        _SHARE,
        ("state_already_used",),
    ),
    "I005": Check(
        "Sessions are files: a second machine would not see them, and they cannot be listed",
        _SHARE,
    ),
    "E002": Check(_PICKLED, _JSON),
    "I003": Check(_PICKLED, _JSON),
    "E023": Check(
        "Sessions are pickled: whoever can write them can run code here",
        "Leave SESSION_SERIALIZER unset: Django's default is JSON.",
    ),
    "I004": Check(
        "Each process counts attempts by itself, so all of them allow more than the limit",
        "With Redis as CACHES['default'] (Django's or django-redis) all processes count together.",
    ),
    **_of_parts("SESSION", _NOT_BACK, _WITHHELD),
    **_of_parts("CSRF", _NOT_SENT, _NO_BUTTON),
    "E003": Check(
        f"SESSION_COOKIE_SAMESITE is {{value}}: {_NOT_BACK}", "Leave it at Lax.", _WITHHELD
    ),
    "E029": Check(
        "SESSION_COOKIE_NAME is {value}: without 'session' in it the site does not recognise its"
        " cookie",
        _REMOVE,
    ),
    "E030": Check(
        f"SESSION_COOKIE_NAME is {{value}}, CSRF_COOKIE_NAME's: {_NOT_BACK}",
        "Leave both settings alone.",
        _WITHHELD,
    ),
    "E004": Check("SOCIALACCOUNT_ADAPTER is not {wanted}", _REMOVE, _UNEXPECTED),
    "E031": Check("ACCOUNT_ADAPTER is not {wanted}", _REMOVE, _UNEXPECTED),
    "E032": Check(
        f"AUTHENTICATION_BACKENDS is not a list with {_BACKEND}",
        f"Add {_BACKEND} to it.",
        _UNEXPECTED,
    ),
    "E005": Check("MIDDLEWARE lacks {missing}", _ORDER, _UNEXPECTED),
    "E033": Check("MIDDLEWARE is not in this order: {wanted}, each once", _ORDER, _UNEXPECTED),
    "E006": Check(
        "PUBLIC_URL's host {name} is not in ALLOWED_HOSTS",
        "Add {name} to ALLOWED_HOSTS, or correct PUBLIC_URL.",
        ("a bare 400 page for every address",),
    ),
    "E008": Check(
        "TRUSTED_PROXY_COUNT is 0, yet a proxy ends TLS here ({variable} is set)",
        _COUNT,
        ("misconfigured", "the browser's own error about too many redirects"),
    ),
    "E038": Check(
        "SECURE_SSL_REDIRECT is on, yet PUBLIC_URL is http",
        "Set PUBLIC_URL to the https address that staff use.",
        ("the browser's own error page",),
    ),
    "W015": Check(
        "TRUSTED_PROXY_COUNT is set, but nothing reads it", f"Put {_PROXY} first in MIDDLEWARE."
    ),
    "W016": Check(
        "The site is behind a proxy, whose address is recorded and limited as everybody's",
        _COUNT,
        ("too_many_attempts",),
    ),
    "E009": Check(
        "The callback is not where Microsoft sends people back to: {problem}",
        "Include {urls} first in {root}, not in i18n_patterns.",
        ("redirect_uri_mismatch",),
    ),
    "W001": Check(
        "Easy Auth (WEBSITE_AUTH_ENABLED) is on",
        "App Service > Authentication > turn it off; this site does the sign-in itself.",
        ("two sign-ins in a row", *_WITHHELD),
    ),
    "W002": Check("DEBUG is on, and the site is public at {host}", "Set DEBUG=false."),
    "W003": Check(
        "SESSION_SAVE_EVERY_REQUEST is on: an older copy may overwrite a new sign-in",
        "Leave it off.",
        ("session_changed",),
    ),
    "W005": Check(
        "SESSION_COOKIE_SECURE is off: the cookie can be read in transit",
        "SESSION_COOKIE_SECURE = True",
    ),
    "W008": Check(
        "SESSION_HOURS is {hours}: a stolen cookie works for as long",
        "Set it to 24 or less; RECHECK_MINUTES has Microsoft confirm people in between.",
    ),
    "W019": Check(
        "SESSIONS_AT_ONCE is {most}, but sessions cannot be counted",
        'Sessions of SESSION_ENGINE = "django.contrib.sessions.backends.cached_db", or db, can be.',
    ),
    "E010": Check(_NO_TLS, _DATABASE_TLS),
    "E011": Check(_NO_TLS, _REDIS_TLS),
    "W017": Check(_NO_TLS, "{fix}"),
    "W007": Check("{problem}", "Correct its name, or remove it."),
    "W006": Check(
        "OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry is not installed",
        "pip install -r requirements/telemetry.txt",
    ),
    "W010": Check(
        "The collected static files are not this release's: {problem}", _COLLECT, ("plain pages",)
    ),
    "I001": Check("Static files are served neither hashed nor compressed", _COLLECT),
    "I002": Check(
        "STEP_UP is {context}: Microsoft issues an authentication context to everyone while no"
        " Conditional Access policy names it, and it then proves nothing",
        "Check in Entra, under Conditional Access, that a policy has {context} as its target.",
    ),
    # --- of access.py ---
    "E039": Check(
        "The admin site {site} has no Microsoft sign-in",
        "{fix}",
        ("a login page without the button",),
    ),
    "E040": Check(
        "is_staff is true for every new user, and anybody can sign up at {path}",
        "Let is_staff default to False on your user model.",
    ),
    "E042": Check(
        "{model} has no field {name}, by which people are found",
        "Name the field of the address: EMAIL_FIELD = ...",
        _UNEXPECTED,
    ),
    "E043": Check(
        "allauth's own Microsoft sign-in, at {path} as well, cannot be reached",
        'Move this one, path("staff/", include("{urls}")), and register its redirect URI in Entra.',
        ("unknown_user", "user_not_staff"),
    ),
    "E044": Check(
        "Users are in the database {home}, but {others}",
        "Let your DATABASE_ROUTERS put {labels} into {home} as well, then migrate it.",
        _UNEXPECTED,
    ),
    "W020": Check(
        "The admin site {site} asks for more than a sign-in, and does not say where people do that",
        "Let its further_step, of the mixin, give the page where people do that.",
    ),
    "W011": Check(
        "{backend} lets people into admin by password",
        "Set ADMIN_BY_MICROSOFT_ONLY=true; or remove the backend, if nothing else needs it.",
    ),
    "W013": Check("guardian's anonymous user would be staff", "Set ANONYMOUS_USER_NAME = None."),
    "W014": Check(
        "Under admin and STAFF_PATHS, views with staff_member_required are open to any session",
        "Add {middleware} to MIDDLEWARE, after AuthenticationMiddleware.",
    ),
    "W018": Check(
        "Wagtail's admin at {path} is open to any session whose user may use it",
        'Add {path} to STAFF_PATHS, and set WAGTAILADMIN_LOGIN_URL = "staff_login".',
    ),
}
_LEVELS: Final = {"E": ERROR, "W": WARNING, "I": INFO}
_OF_ONE_PROCESS: Final = (".LocMemCache", ".DummyCache", ".FileBasedCache")
_LONG_HOURS: Final = 24
_IN_ORDER: Final = (SessionMiddleware, CsrfViewMiddleware, AuthenticationMiddleware)
# Platforms that end TLS in front of the site, by a variable that each sets.
_BEHIND_PROXY: Final = ("WEBSITE_HOSTNAME", "DYNO", "K_SERVICE", "RENDER", "FLY_APP_NAME")


class Found(CheckMessage):
    """The message of an entry of CHECKS; doctor needs the facts."""

    def __init__(self, code: str, **facts: object) -> None:
        check = CHECKS[code]
        text, hint = (as_set_here(words.format_map(facts)) for words in (check.text, check.hint))
        if check.shows_as:
            hint = f"{hint.rstrip('.')}. Staff would meet: {', '.join(check.shows_as)}."
        super().__init__(_LEVELS[code[0]], f"{text.rstrip('.')}.", hint, id=f"accounts.{code}")
        self.facts = facts


@register(Tags.security)
def sessions_are_shared(**kwargs: Any) -> Iterator[CheckMessage]:
    """Without it, the callback finds no session: a "state mismatch"."""
    engine, alias = settings.SESSION_ENGINE, settings.SESSION_CACHE_ALIAS
    backend = settings.CACHES.get(alias, {}).get("BACKEND", "")
    in_cache = {"alias": repr(alias), "backend": backend}
    if engine.endswith("backends.cache") and backend.endswith(_OF_ONE_PROCESS):
        yield Found("E001", **in_cache)
    if engine.endswith("backends.file"):  # which will do for a host on one machine
        yield Found("I005") if is_a_host() else Found("E020", engine=engine)
    if engine.endswith("backends.signed_cookies"):
        yield Found("E021", engine=engine)
    default = settings.CACHES.get("default", {}).get("BACKEND", "")
    if default.endswith(_OF_ONE_PROCESS) and not is_a_host():  # signin/used.py
        yield Found("E022", backend=default)
    if engine.endswith("cached_db") and backend.endswith(_OF_ONE_PROCESS) and not settings.DEBUG:
        yield Found("E041", **in_cache)


@register(Tags.security)
def nothing_is_pickled(**kwargs: Any) -> Iterator[CheckMessage]:
    """Otherwise whoever can write to Redis can run code."""
    if _is_pickled(settings.CACHES.get("default", {})):
        yield Found("I003" if is_a_host() else "E002")
    if settings.SESSION_SERIALIZER.endswith("PickleSerializer"):
        yield Found("E023")


def _is_pickled(cache: Mapping[str, Any]) -> bool:
    """By its SERIALIZER, or as both Redis caches do without one."""
    serializer = cache.get("OPTIONS", {}).get("SERIALIZER")
    return "Pickle" in str(serializer) or (is_redis(cache) and not serializer)


@register()
def attempts_are_counted_together(**kwargs: Any) -> Iterator[CheckMessage]:
    """Otherwise each process allows as many attempts as all should."""
    if is_a_host() and not settings.DEBUG and not is_redis(settings.CACHES.get("default", {})):
        yield Found("I004")


@register(Tags.security)
def cookies_come_back(**kwargs: Any) -> Iterator[CheckMessage]:
    """Otherwise the browser refuses a cookie, or does not send it with the callback."""
    name, same_site = settings.SESSION_COOKIE_NAME, settings.SESSION_COOKIE_SAMESITE
    yield from _of_cookie("SESSION")
    if not settings.CSRF_USE_SESSIONS:
        yield from _of_cookie("CSRF")
    if str(same_site).lower() == "strict":
        yield Found("E003", value=repr(same_site))
    if "session" not in name and not is_a_host():
        yield Found("E029", value=repr(name))
    if name == settings.CSRF_COOKIE_NAME:
        yield Found("E030", value=repr(name))


def _of_cookie(which: str) -> Iterator[CheckMessage]:
    values = {part: getattr(settings, f"{which}_COOKIE_{part}") for part in _COOKIE_PARTS}
    domain, path, secure, name, same_site = values.values()
    own_domain = is_a_host() and _covers(str(domain), urlsplit(conf.PUBLIC_URL).hostname or "")
    wrong = {
        "DOMAIN": domain and not own_domain,
        "PATH": not (staff_urls.callback() or "/").startswith(path),
        "SECURE": secure and not _is_https(),
        "NAME": name.startswith("__") and not secure,
        "SAMESITE": str(same_site).lower() == "none" and not secure,
    }
    for part in filter(wrong.get, wrong):
        code, value = _COOKIE_PARTS[part][which], repr(values[part])
        yield Found(code, value=value, url=conf.PUBLIC_URL, secure=f"{which}_COOKIE_SECURE")


def _covers(domain: str, host: str) -> bool:
    """A host may share cookies with its subdomains (RFC 6265, section 5.1.3)."""
    return f".{host}".endswith(f".{domain.lstrip('.')}")


@register(Tags.security)
def the_sign_in_is_installed(**kwargs: Any) -> Iterator[CheckMessage]:
    """allauth's own adapters would sign people up, and match them by unverified email."""
    for code, name in (("E004", "SOCIALACCOUNT_ADAPTER"), ("E031", "ACCOUNT_ADAPTER")):
        if not is_a_host() and getattr(settings, name, "") != _ADAPTERS[name]:
            yield Found(code, wanted=_ADAPTERS[name])
    if _BACKEND not in settings.AUTHENTICATION_BACKENDS:
        yield Found("E032")


@register(Tags.security)
def middleware_is_in_order(**kwargs: Any) -> Iterator[CheckMessage]:
    """Without a session, or with one that is loaded too late, the sign-in is lost."""
    classes = [cls for cls in map(import_string, settings.MIDDLEWARE) if isinstance(cls, type)]
    present = [kind for cls in classes for kind in _IN_ORDER if issubclass(cls, kind)]
    if missing := [kind.__name__ for kind in _IN_ORDER if kind not in present]:
        yield Found("E005", missing=", ".join(missing))
    elif tuple(present) != _IN_ORDER:
        yield Found("E033", wanted=", ".join(kind.__name__ for kind in _IN_ORDER))


@register(Tags.security)
def public_host_is_allowed(**kwargs: Any) -> Iterator[CheckMessage]:
    """Django answers 400 to a host that it does not know."""
    name, _ = split_domain_port(urlsplit(conf.PUBLIC_URL).netloc)
    debug = [".localhost", "127.0.0.1", "[::1]"] if settings.DEBUG else []  # Django's own
    if not validate_host(name, map(str, settings.ALLOWED_HOSTS or debug)):
        yield Found("E006", name=name)


@register(Tags.security)
def proxies_are_believed(**kwargs: Any) -> Iterator[CheckMessage]:
    """Only the proxy knows the browser's scheme and address."""
    count = conf.TRUSTED_PROXY_COUNT
    proxied = bool(settings.SECURE_PROXY_SSL_HEADER or settings.USE_X_FORWARDED_HOST)
    variable = next(filter(os.environ.get, _BEHIND_PROXY), "")
    if variable and _is_https() and not (count or proxied):
        yield Found("E008", variable=variable)
    elif settings.SECURE_SSL_REDIRECT and not _is_https():
        yield Found("E038")
    if count and _PROXY not in settings.MIDDLEWARE:
        yield Found("W015")
    if is_a_host() and proxied and not count:
        yield Found("W016")


@register(Tags.security)
def callback_is_served(**kwargs: Any) -> Iterator[CheckMessage]:
    """A catch-all pattern, or allauth's own URLs, may come first."""
    paths = _callbacks()
    path = min(paths)
    if not path:
        problem = "the sign-in's URLs are not served"
    elif len(paths) > 1:
        problem = "it has another address in each language, and Microsoft is told one"
    elif getattr(staff_urls.match_at(path), "url_name", "") != "staff_callback":
        problem = f"another view answers at {path}"
    else:
        return
    yield Found("E009", problem=problem, urls=dotted("urls"), root=settings.ROOT_URLCONF)


def _callbacks() -> set[str]:
    """The callback's path, in two languages."""
    found = set()
    for language, _name in settings.LANGUAGES[:2]:
        with override(language):
            found.add(staff_urls.callback())
    return found or {staff_urls.callback()}


@register(Tags.security)
def nothing_is_in_front(**kwargs: Any) -> Iterator[CheckMessage]:
    """Easy Auth may answer the callback itself; DEBUG shows tracebacks to everyone."""
    if os.environ.get("WEBSITE_AUTH_ENABLED", "").lower() in ("1", "true"):
        yield Found("W001")
    host = urlsplit(conf.PUBLIC_URL).hostname or ""
    if settings.DEBUG and not is_loopback(host):
        yield Found("W002", host=host)


@register(Tags.security)
def sessions_are_limited(**kwargs: Any) -> Iterator[CheckMessage]:
    """OWASP ASVS 5.0, 7.3.2: an absolute lifetime that fits the risk."""
    if conf.SESSION_HOURS > _LONG_HOURS:
        yield Found("W008", hours=conf.SESSION_HOURS)
    if conf.SESSIONS_AT_ONCE and not index.can_be_listed():
        yield Found("W019", most=conf.SESSIONS_AT_ONCE)
    if settings.SESSION_SAVE_EVERY_REQUEST:
        yield Found("W003")
    if _is_https() and not settings.SESSION_COOKIE_SECURE:
        yield Found("W005")


@register(Tags.security)
def stores_are_reached_by_tls(**kwargs: Any) -> Iterator[CheckMessage]:
    """Whoever is on the network could read and change sessions, secrets and people.

    A warning only in a host, which chose its stores before.
    """
    if settings.DEBUG or getattr(conf, "PRIVATE_NETWORK", False):
        return
    databases = transport.databases_without_tls(settings.DATABASES.values(), os.environ)
    for code, store, fix, hosts in (
        ("E010", "PostgreSQL", _DATABASE_TLS, databases),
        ("E011", "Redis", _REDIS_TLS, transport.redis_without_tls(_redis_urls())),
    ):
        for host in hosts:
            yield Found("W017" if is_a_host() else code, store=store, host=host, fix=fix)


def _redis_urls() -> list[str]:
    """REDIS_URL, which names Sentinels too; else the caches' locations."""
    if url := getattr(conf, "REDIS_URL", ""):
        return [url]
    entries = [entry for entry in settings.CACHES.values() if is_redis(entry)]
    locations = [entry.get("LOCATION", "") for entry in entries]
    lists = ([place] if isinstance(place, str) else place for place in locations)
    return [url for urls in lists for url in urls]


@register()
def variables_are_read(**kwargs: Any) -> Iterator[CheckMessage]:
    """A misspelt variable has no effect."""
    for problem in getattr(conf, "ENVIRONMENT_WARNINGS", ()):
        yield Found("W007", problem=problem)


@register()
def metrics_can_be_sent(**kwargs: Any) -> Iterator[CheckMessage]:
    """Missing metrics are noticed only when they are needed."""
    if telemetry.is_configured() and not telemetry.is_installed():
        yield Found("W006")


@register()
def static_files_are_this_releases(**kwargs: Any) -> Iterator[CheckMessage]:
    """Otherwise pages come without styles, or with those of another release."""
    if problem := static_files.problem() if static_files.is_collected() else "":
        yield Found("W010", problem=problem)


@register(deploy=True)
def static_files_are_collected(**kwargs: Any) -> Iterator[CheckMessage]:
    """Not needed to work, so it is reported by `check --deploy` alone."""
    if not settings.DEBUG and not static_files.is_collected():
        yield Found("I001")


@register(Tags.security)
def context_needs_a_policy(**kwargs: Any) -> Iterator[CheckMessage]:
    """Microsoft, "Developer guidance for Conditional Access authentication context"."""
    if conf.STEP_UP not in ("off", "login"):
        yield Found("I002", context=conf.STEP_UP)


def _is_https() -> bool:
    return bool(conf.PUBLIC_URL.startswith("https://"))
