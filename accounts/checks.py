"""Static system checks with stable ids (no I/O); live probes are in accounts/operate/doctor.

One id, one fault, so that one can be silenced: CHECKS says which.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.checks import CheckMessage, Error, Info, Tags, Warning, register
from django.http.request import split_domain_port, validate_host
from django.middleware.csrf import CsrfViewMiddleware
from django.urls import Resolver404, get_script_prefix, resolve
from django.utils.module_loading import import_string
from django.utils.translation import override

from . import staff_urls, static_files, telemetry, transport
from .app import dotted
from .conf import conf, is_a_host
from .http.origins import is_loopback
from .naming import as_set_here
from .redis_cache import is_redis

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_COOKIE: Final = ("cookie_not_sent",)
_BUTTON: Final = ("a 403 page when the button is pressed",)
# What each id says, and how it shows to staff: reason codes, or phrases without a page of ours.
CHECKS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "accounts.E001": ("Sessions live in the memory of one process", ("session_not_found",)),
    "accounts.E020": ("Sessions are files on one machine's disk", ("session_not_found",)),
    "accounts.E021": ("Sessions live in the cookie, and cannot be ended", ()),
    "accounts.E041": ("Each process has copies of sessions of its own", ("session_changed",)),
    "accounts.E022": ("Used states are marked in one process only", ("state_already_used",)),
    "accounts.E002": ("The cache holds pickles", ()),
    "accounts.E023": ("Sessions hold pickles", ()),
    "accounts.E003": ("The session cookie is withheld on the way back (Strict)", _COOKIE),
    "accounts.E024": ("The session cookie is for another host", _COOKIE),
    "accounts.E025": ("The session cookie's path leaves the callback out", _COOKIE),
    "accounts.E026": ("The session cookie is Secure, the site is http", _COOKIE),
    "accounts.E027": ("The session cookie's name demands Secure", _COOKIE),
    "accounts.E028": ("The session cookie is SameSite=None without Secure", _COOKIE),
    "accounts.E029": ("The session cookie's name has another form", ()),
    "accounts.E030": ("Session cookie and CSRF cookie have one name", _COOKIE),
    "accounts.E004": (
        "Another social-account adapter stands in our place",
        ("unexpected",),
    ),
    "accounts.E031": ("Another account adapter is set instead of ours", ("unexpected",)),
    "accounts.E032": ("The sign-in's authentication backend is not installed", ("unexpected",)),
    "accounts.E005": ("A middleware that the sign-in needs is missing", ("unexpected",)),
    "accounts.E033": ("A middleware that the sign-in needs comes too late", ("unexpected",)),
    "accounts.E006": (
        "PUBLIC_URL's host is refused by ALLOWED_HOSTS",
        ("a bare 400 page for every address",),
    ),
    "accounts.E007": ("The CSRF cookie is Secure, the site is http", _BUTTON),
    "accounts.E034": ("The CSRF cookie is for another host", _BUTTON),
    "accounts.E035": ("The CSRF cookie's path leaves the button out", _BUTTON),
    "accounts.E036": ("The CSRF cookie's name demands Secure", _BUTTON),
    "accounts.E037": ("The CSRF cookie is SameSite=None without Secure", _BUTTON),
    "accounts.E008": (
        "A proxy ends TLS here and is not trusted",
        ("misconfigured", "the browser's own error about too many redirects"),
    ),
    "accounts.E038": (
        "Every page redirects to https, where nothing is served",
        ("the browser's own error page",),
    ),
    "accounts.E009": (
        "The callback is not at the address that Microsoft is told",
        ("redirect_uri_mismatch",),
    ),
    "accounts.E010": ("PostgreSQL on another machine is reached without TLS", ()),
    "accounts.E011": ("Redis on another machine is reached without TLS", ()),
    "accounts.E039": (
        "An admin site that is served has no Microsoft sign-in",
        ("a login page without the button",),
    ),
    "accounts.E040": ("Whoever signs up on the public part is staff", ()),
    "accounts.E042": ("The user model has no field for the address", ("unexpected",)),
    "accounts.E044": ("Users and what refers to them are in several databases", ("unexpected",)),
    "accounts.E043": (
        "allauth's Microsoft sign-in of the site's own people has the same address",
        ("unknown_user", "user_not_staff"),
    ),
    "accounts.W001": ("Easy Auth of App Service is on", ("two sign-ins in a row", *_COOKIE)),
    "accounts.W002": ("DEBUG is on at a public address", ()),
    "accounts.W003": (
        "Every request writes the whole session back, over a newer sign-in",
        ("session_changed",),
    ),
    "accounts.W005": ("The session cookie travels without Secure", ()),
    "accounts.W006": ("Metrics are to be sent, but what sends them is not installed", ()),
    "accounts.W008": ("Sessions live for more than a day", ()),
    "accounts.W010": ("The collected static files are not this release's", ("plain pages",)),
    "accounts.W011": ("A password backend beside Microsoft opens admin", ()),
    "accounts.W015": ("Proxies are trusted, and no middleware reads what they say", ()),
    "accounts.W019": ("Sessions are where nobody can count them, and a bound is set", ()),
    "accounts.W017": ("A store of a site that was there before is reached without TLS", ()),
    "accounts.W016": (
        "Everyone has the proxy's address",
        ("too_many_attempts",),
    ),
    "accounts.W013": ("guardian's user for nobody is staff", ()),
    "accounts.W018": ("Wagtail's admin does not ask how somebody signed in", ()),
    "accounts.W020": ("An admin site asks for more than a sign-in, and names no page for it", ()),
    "accounts.W014": ("Views for staff do not ask how somebody signed in", ()),
    "accounts.I001": ("Static files have not been collected", ()),
    "accounts.I005": ("Sessions of a site that was there before are files", ()),
    "accounts.I003": ("The cache of a site that was there before holds pickles", ()),
    "accounts.I004": ("Each process counts attempts by itself", ()),
    "accounts.I002": ("An authentication context proves nothing without a policy", ()),
    "accounts.W007": ("A variable that looks like one of the site's is not read", ()),
}
_OF_ONE_PROCESS: Final = (".LocMemCache", ".DummyCache", ".FileBasedCache")
_PIECES: Final = (
    ("E004", "SOCIALACCOUNT_ADAPTER", dotted("web.adapter.StaffSocialAccountAdapter")),
    ("E031", "ACCOUNT_ADAPTER", dotted("web.adapter.StaffAccountAdapter")),
)
_BACKEND: Final = dotted("web.backends.MicrosoftBackend")
_PROXY: Final = dotted("web.proxy.ProxyMiddleware")
_SESSIONS_OF_A_HOST: Final = (
    'SESSION_ENGINE = "django.contrib.sessions.backends.db", or cached_db with Redis in CACHES.'
)
_HOURS_OF_A_DAY: Final = 24
_IN_ORDER: Final = (SessionMiddleware, CsrfViewMiddleware, AuthenticationMiddleware)
_NETWORK: Final = (
    " Where nobody else is on the network between (a private network, a pod, a tunnel):"
    " PRIVATE_NETWORK=true."
)
_DATABASE_TLS: Final = f"Add sslmode=verify-full to DATABASE_URL (at least require).{_NETWORK}"
_REDIS_TLS: Final = f"Begin REDIS_URL with rediss:// (Sentinels: rediss+sentinel://).{_NETWORK}"
# Hosts that end TLS in front of the site, by a variable that each sets.
_BEHIND_PROXY: Final = ("WEBSITE_HOSTNAME", "DYNO", "K_SERVICE", "RENDER", "FLY_APP_NAME")


@register(Tags.security)
def sessions_are_shared(**kwargs: Any) -> list[CheckMessage]:
    """The cause of "state mismatch": a session that another worker cannot see."""
    hint = _SESSIONS_OF_A_HOST if is_a_host() else "Set REDIS_URL; leave SESSION_ENGINE and CACHES."
    text = "Sessions are not shared between processes: {}."
    return [error(number, text.format(what), hint) for number, what in _unshared()]


def _unshared() -> Iterator[tuple[str, str]]:
    engine, alias = settings.SESSION_ENGINE, settings.SESSION_CACHE_ALIAS
    backend = settings.CACHES.get(alias, {}).get("BACKEND", "")
    if engine.endswith("backends.cache") and backend.endswith(_OF_ONE_PROCESS):
        yield "E001", f"SESSION_ENGINE keeps them in CACHES[{alias!r}], which is {backend}"
    if engine.endswith("backends.file") and not is_a_host():
        yield "E020", f"SESSION_ENGINE is {engine}"
    if engine.endswith("backends.signed_cookies"):
        yield "E021", f"SESSION_ENGINE is {engine}"
    default = settings.CACHES.get("default", {}).get("BACKEND", "")
    if default.endswith(_OF_ONE_PROCESS) and not is_a_host():  # signin/used.py
        yield "E022", f"CACHES['default'], which marks used states, is {default}"
    if engine.endswith("cached_db") and backend.endswith(_OF_ONE_PROCESS) and not settings.DEBUG:
        yield "E041", f"SESSION_ENGINE keeps copies in CACHES[{alias!r}], which is {backend}"


@register(Tags.security)
def sessions_are_on_every_machine(**kwargs: Any) -> list[CheckMessage]:
    """Another site may keep its sessions in files: good as long as there is one machine."""
    if not (is_a_host() and settings.SESSION_ENGINE.endswith("backends.file")):
        return []
    text = "Sessions are files: a second machine would not know them, and none can be listed."
    return [info("I005", text, _SESSIONS_OF_A_HOST)]


@register(Tags.security)
def nothing_is_pickled(**kwargs: Any) -> list[CheckMessage]:
    """A writable Redis must not mean running code."""
    found: list[CheckMessage] = []
    if _is_pickled(settings.CACHES.get("default", {})):
        hint = (
            "In its OPTIONS name a SERIALIZER that writes JSON, as django-redis has in"
            " django_redis.serializers.json.JSONSerializer."
        )
        told = partial(info, "I003") if is_a_host() else partial(error, "E002")
        found.append(told("What is in the cache is pickled.", hint))
    if settings.SESSION_SERIALIZER.endswith("PickleSerializer"):
        hint = "Leave SESSION_SERIALIZER to Django: its JSONSerializer."
        found.append(error("E023", "Sessions are pickled.", hint))
    return found


def _is_pickled(cache: Mapping[str, Any]) -> bool:
    """By name, or by the default of either Redis cache."""
    serializer = cache.get("OPTIONS", {}).get("SERIALIZER")
    return "Pickle" in str(serializer) or (is_redis(cache) and not serializer)


@register()
def attempts_are_counted_together(**kwargs: Any) -> list[CheckMessage]:
    """Several workers, or several machines, each let through as many attempts as one may."""
    if settings.DEBUG or not is_a_host() or is_redis(settings.CACHES.get("default", {})):
        return []
    text = "Limits on attempts are counted by each process for itself."
    hint = "With Redis as CACHES['default'] (Django's or django-redis) all processes count as one."
    return [info("I004", text, hint)]


@register(Tags.security)
def cookie_can_come_back(**kwargs: Any) -> list[CheckMessage]:
    """Each of these makes the browser refuse the cookie, or withhold it at the callback."""
    text = "{} is {!r}: the session cookie would not come back from Microsoft."
    problems = [*_cookie_problems("SESSION", _OF_SESSION), *_session_cookie_problems()]
    return [error(number, text.format(name, value), hint) for number, name, value, hint in problems]


@register(Tags.security)
def button_can_be_pressed(**kwargs: Any) -> list[CheckMessage]:
    """Each of these makes the browser refuse the CSRF cookie."""
    text = "{} is {!r}: the CSRF cookie would not come back with the button's POST."
    problems = [] if settings.CSRF_USE_SESSIONS else _cookie_problems("CSRF", _OF_CSRF)
    return [error(number, text.format(name, value), hint) for number, name, value, hint in problems]


# The ids of a cookie's Domain, Path, Secure, name prefix and SameSite.
_OF_SESSION: Final = ("E024", "E025", "E026", "E027", "E028")
_OF_CSRF: Final = ("E034", "E035", "E007", "E036", "E037")


def _cookie_problems(
    which: str, ids: tuple[str, str, str, str, str]
) -> Iterator[tuple[str, str, object, str]]:
    names = [f"{which}_COOKIE_{part}" for part in ("NAME", "DOMAIN", "PATH", "SECURE", "SAMESITE")]
    name, domain, path, secure, same_site = (getattr(settings, each) for each in names)
    if domain and not (is_a_host() and _covers(domain, urlsplit(conf.PUBLIC_URL).hostname or "")):
        hint = "Leave it unset: it is PUBLIC_URL's host then."
        yield ids[0], names[1], domain, hint
    if not (staff_urls.callback() or "/").startswith(path):
        yield ids[1], names[2], path, "Leave it at /."
    if secure and not _is_https():
        hint = f"PUBLIC_URL is {conf.PUBLIC_URL}; serve the site by https."
        yield ids[2], names[3], secure, hint
    if name.startswith("__") and not secure:
        yield ids[3], names[0], name, f"Browsers demand Secure of such names: {names[3]} = True."
    if str(same_site).lower() == "none" and not secure:
        yield ids[4], names[4], same_site, "Browsers demand Secure with it. Leave it at Lax."


def _covers(domain: str, host: str) -> bool:
    """Other sites share their cookies with subdomains of theirs (RFC 6265, section 5.1.3)."""
    return f".{host}".endswith(f".{domain.lstrip('.')}")


def _session_cookie_problems() -> Iterator[tuple[str, str, object, str]]:
    name, same_site = settings.SESSION_COOKIE_NAME, settings.SESSION_COOKIE_SAMESITE
    if str(same_site).lower() == "strict":
        yield "E003", "SESSION_COOKIE_SAMESITE", same_site, "Leave it at Lax."
    if "session" not in name and not is_a_host():
        yield "E029", "SESSION_COOKIE_NAME", name, "Take it out of your settings."
    if name == settings.CSRF_COOKIE_NAME:
        yield "E030", "SESSION_COOKIE_NAME", name, "It is CSRF_COOKIE_NAME's: leave both alone."


@register(Tags.security)
def the_flow_is_whole(**kwargs: Any) -> list[CheckMessage]:
    """allauth's own adapters would sign people up and match them by unverified email."""
    found: list[CheckMessage] = [
        error(number, f"{name} is not {value}.", "Take it out of your settings.")
        for number, name, value in _PIECES
        if not is_a_host() and getattr(settings, name, "") != value
    ]
    if _BACKEND not in settings.AUTHENTICATION_BACKENDS:
        text = f"AUTHENTICATION_BACKENDS is not a list with {_BACKEND}."
        found.append(error("E032", text, f"Add {_BACKEND} to it."))
    return found


@register(Tags.security)
def middleware_is_in_order(**kwargs: Any) -> list[CheckMessage]:
    """A session that is loaded too late, or not at all, has lost the sign-in."""
    classes = [cls for cls in map(import_string, settings.MIDDLEWARE) if isinstance(cls, type)]
    there = [kind for cls in classes for kind in _IN_ORDER if issubclass(cls, kind)]
    if tuple(there) == _IN_ORDER:
        return []
    hint = "Leave the order as Django's startproject has it."
    missing = [kind.__name__ for kind in _IN_ORDER if kind not in there]
    if missing:
        return [error("E005", f"MIDDLEWARE lacks {', '.join(missing)}.", hint)]
    wanted = ", ".join(kind.__name__ for kind in _IN_ORDER)
    return [error("E033", f"MIDDLEWARE is not in this order: {wanted}, each once.", hint)]


@register(Tags.security)
def public_host_is_allowed(**kwargs: Any) -> list[CheckMessage]:
    """Django answers 400 to a host that it does not know."""
    name, _ = split_domain_port(urlsplit(conf.PUBLIC_URL).netloc)
    debug = [".localhost", "127.0.0.1", "[::1]"] if settings.DEBUG else []  # Django's own
    if validate_host(name, map(str, settings.ALLOWED_HOSTS or debug)):
        return []
    text = f"PUBLIC_URL's host {name} is not in ALLOWED_HOSTS."
    return [error("E006", text, f"Add {name} to ALLOWED_HOSTS, or correct PUBLIC_URL.")]


@register(Tags.security)
def no_redirect_loop(**kwargs: Any) -> list[CheckMessage]:
    """The site must learn from its proxy that the browser came by https."""
    proxied = [name for name in _BEHIND_PROXY if os.environ.get(name)]
    if proxied and _is_https() and not (conf.TRUSTED_PROXY_COUNT or _believes_a_proxy()):
        text = f"TRUSTED_PROXY_COUNT is 0, yet a proxy ends TLS here ({proxied[0]} is set)."
        return [error("E008", text, "Set TRUSTED_PROXY_COUNT=1, one more for a CDN in front.")]
    if settings.SECURE_SSL_REDIRECT and not _is_https():
        hint = "Set PUBLIC_URL to the https address that staff use."
        return [error("E038", "SECURE_SSL_REDIRECT is on, yet PUBLIC_URL is http.", hint)]
    return []


@register(Tags.security)
def clients_are_told_apart(**kwargs: Any) -> list[CheckMessage]:
    """Behind a proxy everyone has its address, unless somebody reads what it says of them."""
    if conf.TRUSTED_PROXY_COUNT and _PROXY not in settings.MIDDLEWARE:
        text = "TRUSTED_PROXY_COUNT is set, and nothing reads it."
        return [warning("W015", text, f"Put {_PROXY} first in MIDDLEWARE.")]
    if is_a_host() and _believes_a_proxy() and not conf.TRUSTED_PROXY_COUNT:
        text = "A proxy is in front, and all people have its address in the record and the limits."
        hint = "Set TRUSTED_PROXY_COUNT=1, one more for a CDN in front."
        return [warning("W016", text, hint)]
    return []


def _believes_a_proxy() -> bool:
    return bool(settings.SECURE_PROXY_SSL_HEADER or settings.USE_X_FORWARDED_HOST)


@register(Tags.security)
def callback_is_where_we_say(**kwargs: Any) -> list[CheckMessage]:
    """A catch-all, or allauth's own pages, that come before ours would answer in our place."""
    paths = _callbacks()
    path = min(paths)
    if not path:
        text = "The sign-in's URLs are not served."
    elif len(paths) > 1:
        text = "The callback has another address in each language; Microsoft is told one."
    elif _leads_to(path) != "staff_callback":
        text = f"Another view answers at {path}, where Microsoft sends people back to."
    else:
        return []
    hint = f"Include {dotted('urls')} first in {settings.ROOT_URLCONF}, not in i18n_patterns."
    return [error("E009", text, hint)]


def _callbacks() -> set[str]:
    """Its path, in each of two languages."""
    found = set()
    for language, _name in settings.LANGUAGES[:2]:
        with override(language):
            found.add(staff_urls.callback())
    return found or {staff_urls.callback()}


def _leads_to(path: str) -> str:
    """The name of the first URL that this path matches."""
    try:
        return resolve(f"/{path.removeprefix(get_script_prefix())}").url_name or ""
    except Resolver404:
        return ""


@register(Tags.security)
def nothing_stands_in_front(**kwargs: Any) -> list[CheckMessage]:
    """Easy Auth may take the callback for itself; DEBUG shows tracebacks to everyone."""
    return [warning(*problem) for problem in _in_front()]


def _in_front() -> Iterator[tuple[str, str, str]]:
    if os.environ.get("WEBSITE_AUTH_ENABLED", "").lower() in ("1", "true"):
        hint = "App Service > Authentication > turn it off; this site does the sign-in itself."
        yield "W001", "Easy Auth (WEBSITE_AUTH_ENABLED) is on.", hint
    host = urlsplit(conf.PUBLIC_URL).hostname or ""
    if settings.DEBUG and not is_loopback(host):
        yield "W002", f"DEBUG is on, and people come to {host}.", "Set DEBUG=false."


@register(Tags.security)
def sessions_last(**kwargs: Any) -> list[CheckMessage]:
    """Settings under which a sign-in that takes its time loses its session."""
    return [warning(*problem) for problem in _session_problems()]


@register(Tags.security)
def sessions_end_in_a_day(**kwargs: Any) -> list[CheckMessage]:
    """OWASP ASVS 5.0, 7.3.2: an absolute lifetime that fits the risk."""
    if conf.SESSION_HOURS <= _HOURS_OF_A_DAY:
        return []
    text = f"SESSION_HOURS is {conf.SESSION_HOURS}: a stolen cookie works as long."
    hint = "Set it to 24 or less; RECHECK_MINUTES has Microsoft confirm people in between."
    return [warning("W008", text, hint)]


def _session_problems() -> Iterator[tuple[str, str, str]]:
    from .sessions import index

    if conf.SESSIONS_AT_ONCE and not index.can_be_listed():
        text = f"SESSIONS_AT_ONCE is {conf.SESSIONS_AT_ONCE}, and nobody can count the sessions."
        hint = (
            'SESSION_ENGINE = "django.contrib.sessions.backends.cached_db", or db, can be listed.'
        )
        yield "W019", text, hint
    if settings.SESSION_SAVE_EVERY_REQUEST:
        text = "SESSION_SAVE_EVERY_REQUEST is on: an older copy may be written over a new sign-in."
        yield "W003", text, "Leave it off."
    if _is_https() and not settings.SESSION_COOKIE_SECURE:
        text = "SESSION_COOKIE_SECURE is off: the cookie can be read on the way."
        yield "W005", text, "SESSION_COOKIE_SECURE = True"


@register(Tags.security)
def stores_are_reached_by_tls(**kwargs: Any) -> list[CheckMessage]:
    """Whoever is on the way would read sessions, secrets and people, and could change them."""
    if settings.DEBUG or getattr(conf, "PRIVATE_NETWORK", False):
        return []
    text = "{} on {} is reached without TLS, and PRIVATE_NETWORK is not true."
    databases = transport.open_databases(settings.DATABASES.values(), os.environ)
    redis = transport.open_redis(_redis_urls())
    return [
        *(_open("E010", text.format("PostgreSQL", host), _DATABASE_TLS) for host in databases),
        *(_open("E011", text.format("Redis", host), _REDIS_TLS) for host in redis),
    ]


def _open(number: str, text: str, hint: str) -> CheckMessage:
    """A site that was there before has stores of its own, and goes on with them."""
    return warning("W017", text, hint) if is_a_host() else error(number, text, hint)


def _redis_urls() -> list[str]:
    """REDIS_URL, which names Sentinels too; else what the caches say."""
    if url := getattr(conf, "REDIS_URL", ""):
        return [url]
    entries = [entry for entry in settings.CACHES.values() if is_redis(entry)]
    locations = [entry.get("LOCATION", "") for entry in entries]
    return [url for one in locations for url in ([one] if isinstance(one, str) else one)]


@register()
def variables_are_read(**kwargs: Any) -> list[CheckMessage]:
    """A typing error in a variable's name: what it says has no effect."""
    hint = "Correct its name, or remove it."
    unread = getattr(conf, "ENVIRONMENT_WARNINGS", ())
    return [warning("W007", told, hint) for told in unread]


@register()
def metrics_can_be_sent(**kwargs: Any) -> list[CheckMessage]:
    """Nobody would notice that figures are missing until they are needed."""
    if not telemetry.is_asked_for() or telemetry.is_installed():
        return []
    text = "OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry is not installed."
    return [warning("W006", text, "pip install -r requirements/telemetry.txt")]


_COLLECT: Final = "While building, run: ./manage.py collectstatic --noinput"


@register()
def static_files_are_this_releases(**kwargs: Any) -> list[CheckMessage]:
    """Pages come without their style, or with that of another release."""
    what = static_files.problem() if static_files.is_collected() else ""
    text = f"The collected static files are not this release's: {what}."
    return [warning("W010", text, _COLLECT)] if what else []


@register(deploy=True)
def static_files_are_collected(**kwargs: Any) -> list[CheckMessage]:
    """It works without, at a cost; told where somebody asks for all that could be better."""
    if settings.DEBUG or static_files.is_collected():
        return []
    text = "Static files are served as they are, neither hashed nor compressed."
    return [info("I001", text, _COLLECT)]


@register(Tags.security)
def context_needs_a_policy(**kwargs: Any) -> list[CheckMessage]:
    """Microsoft, "Developer guidance for Conditional Access authentication context"."""
    if conf.STEP_UP in ("off", "login"):
        return []
    text = (
        f"STEP_UP is {conf.STEP_UP}: Microsoft issues an authentication context to everyone"
        " while no Conditional Access policy names it, and it then proves nothing."
    )
    hint = f"See in Entra, under Conditional Access, that a policy has {conf.STEP_UP} as target."
    return [info("I002", text, hint)]


def _is_https() -> bool:
    return bool(conf.PUBLIC_URL.startswith("https://"))


def error(number: str, text: str, hint: str) -> Error:
    """A finding that stops the site; `number` is the id in CHECKS, without its app."""
    return Error(as_set_here(text), hint=_hint(number, hint), id=f"accounts.{number}")


def warning(number: str, text: str, hint: str) -> Warning:
    """Likewise, of what works all the same."""
    return Warning(as_set_here(text), hint=_hint(number, hint), id=f"accounts.{number}")


def info(number: str, text: str, hint: str) -> Info:
    """Likewise, of what is worth knowing."""
    return Info(as_set_here(text), hint=_hint(number, hint), id=f"accounts.{number}")


def _hint(number: str, hint: str) -> str:
    _, shown = CHECKS[f"accounts.{number}"]
    told = as_set_here(hint)
    return f"{told} Staff would meet: {', '.join(shown)}." if shown else told
