"""Static system checks with stable ids (no I/O); live probes are in accounts/operate/doctor.

accounts.E001  sessions live in the memory of one process, or on one disk
accounts.E002  sessions or the cache hold pickles
accounts.E003  the session cookie cannot come back from Microsoft
accounts.E004  a piece of the sign-in is not installed, or another stands in its place
accounts.E005  a middleware that the sign-in needs is missing, or comes too late
accounts.E006  PUBLIC_URL's host is refused by ALLOWED_HOSTS
accounts.E007  the button's POST cannot bring its CSRF cookie
accounts.E008  every page would redirect to itself, or to where nothing is served
accounts.E009  the callback is not at the address that Microsoft is told
accounts.E010  PostgreSQL on another machine is reached without TLS
accounts.E011  Redis on another machine is reached without TLS
accounts.W001  Easy Auth of App Service is on and stands in front of this site
accounts.W002  DEBUG is on at a public address
accounts.W003  every request writes the whole session back, over a sign-in that started meanwhile
accounts.W005  the session cookie travels without Secure although the site is https
accounts.W006  metrics are to be sent, but what sends them is not installed
accounts.W010  the static files that were collected are not this release's
accounts.I001  static files have not been collected
accounts.W008  sessions live for more than a day
accounts.W007  an environment variable that looks like one of the site's is set, and not read
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.checks import CheckMessage, Error, Info, Tags, Warning, register
from django.http.request import split_domain_port, validate_host
from django.middleware.csrf import CsrfViewMiddleware
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string

from accounts import static_files, telemetry, transport
from accounts.http.origins import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# How each shows to staff: reason codes, or a phrase where no page of ours is met.
SHOWS_AS: Final[Mapping[str, tuple[str, ...]]] = {
    "accounts.E001": ("session_not_found", "state_already_used"),
    "accounts.E003": ("cookie_not_sent",),
    "accounts.E004": ("unexpected",),
    "accounts.E005": ("unexpected",),
    "accounts.E006": ("a bare 400 page for every address",),
    "accounts.E007": ("a 403 page when the button is pressed",),
    "accounts.E008": ("misconfigured", "the browser's own error about too many redirects"),
    "accounts.E009": ("redirect_uri_mismatch",),
    "accounts.W001": ("two sign-ins in a row", "cookie_not_sent"),
    "accounts.W003": ("session_changed",),
}
_OF_ONE_PROCESS: Final = (".LocMemCache", ".DummyCache", ".FileBasedCache")
_PIECES: Final = {
    "SOCIALACCOUNT_ADAPTER": "accounts.web.adapter.StaffSocialAccountAdapter",
    "ACCOUNT_ADAPTER": "accounts.web.adapter.StaffAccountAdapter",
}
_BACKEND: Final = "accounts.web.backends.MicrosoftBackend"
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
    hint = "Set REDIS_URL, and leave SESSION_ENGINE and CACHES to project/settings.py."
    text = "Sessions are not shared between processes: {}."
    return [_error("E001", text.format(what), hint) for what in _unshared()]


def _unshared() -> Iterator[str]:
    engine, alias = settings.SESSION_ENGINE, settings.SESSION_CACHE_ALIAS
    backend = settings.CACHES.get(alias, {}).get("BACKEND", "")
    if engine.endswith("backends.cache") and backend.endswith(_OF_ONE_PROCESS):
        yield f"SESSION_ENGINE keeps them in CACHES[{alias!r}], which is {backend}"
    if engine.endswith(("backends.file", "backends.signed_cookies")):
        yield f"SESSION_ENGINE is {engine}"
    default = settings.CACHES.get("default", {}).get("BACKEND", "")
    if default.endswith(_OF_ONE_PROCESS):
        yield f"CACHES['default'], which marks used states, is {default}"


@register(Tags.security)
def nothing_is_pickled(**kwargs: Any) -> list[CheckMessage]:
    """A writable Redis must not mean running code."""
    options = settings.CACHES.get("default", {}).get("OPTIONS", {})
    backend = settings.CACHES.get("default", {}).get("BACKEND", "")
    pickles = "Pickle" in str(options.get("SERIALIZER", "")) or (
        backend.startswith("django_redis") and "SERIALIZER" not in options
    )
    if not pickles and not settings.SESSION_SERIALIZER.endswith("PickleSerializer"):
        return []
    hint = "Use django_redis.serializers.json.JSONSerializer and Django's JSONSerializer."
    return [_error("E002", "Sessions or the cache are pickled.", hint)]


@register(Tags.security)
def cookie_can_come_back(**kwargs: Any) -> list[CheckMessage]:
    """Each of these makes the browser refuse the cookie, or withhold it at the callback."""
    text = "{} is {!r}: the session cookie would not come back from Microsoft."
    problems = [*_cookie_problems("SESSION"), *_session_cookie_problems()]
    return [_error("E003", text.format(name, value), hint) for name, value, hint in problems]


@register(Tags.security)
def button_can_be_pressed(**kwargs: Any) -> list[CheckMessage]:
    """Each of these makes the browser refuse the CSRF cookie."""
    text = "{} is {!r}: the CSRF cookie would not come back with the button's POST."
    problems = [] if settings.CSRF_USE_SESSIONS else _cookie_problems("CSRF")
    return [_error("E007", text.format(name, value), hint) for name, value, hint in problems]


def _cookie_problems(which: str) -> Iterator[tuple[str, object, str]]:
    names = [f"{which}_COOKIE_{part}" for part in ("NAME", "DOMAIN", "PATH", "SECURE", "SAMESITE")]
    name, domain, path, secure, same_site = (getattr(settings, each) for each in names)
    if domain:
        yield names[1], domain, "Leave it unset: the cookie then belongs to PUBLIC_URL's host."
    if path != "/":
        yield names[2], path, "Leave it at /."
    if secure and not _is_https():
        yield names[3], secure, f"PUBLIC_URL is {settings.PUBLIC_URL}; serve the site by https."
    if name.startswith("__") and not secure:
        yield names[0], name, f"Browsers demand Secure of such names: {names[3]} = True."
    if str(same_site).lower() == "none" and not secure:
        yield names[4], same_site, "Browsers demand Secure with it. Leave it at Lax."


def _session_cookie_problems() -> Iterator[tuple[str, object, str]]:
    name, same_site = settings.SESSION_COOKIE_NAME, settings.SESSION_COOKIE_SAMESITE
    if str(same_site).lower() == "strict":
        yield "SESSION_COOKIE_SAMESITE", same_site, "Leave it at Lax."
    if "session" not in name or name == settings.CSRF_COOKIE_NAME:
        yield "SESSION_COOKIE_NAME", name, "Leave it to project/settings.py."


@register(Tags.security)
def the_flow_is_whole(**kwargs: Any) -> list[CheckMessage]:
    """allauth's own adapters would sign people up and match them by unverified email."""
    wrong = {name: _PIECES[name] for name in _PIECES if getattr(settings, name) != _PIECES[name]}
    if _BACKEND not in settings.AUTHENTICATION_BACKENDS:
        wrong["AUTHENTICATION_BACKENDS"] = f"a list with {_BACKEND}"
    hint = "Leave it to project/settings.py."
    return [_error("E004", f"{name} is not {value}.", hint) for name, value in wrong.items()]


@register(Tags.security)
def middleware_is_in_order(**kwargs: Any) -> list[CheckMessage]:
    """A session that is loaded too late, or not at all, has lost the sign-in."""
    classes = [cls for cls in map(import_string, settings.MIDDLEWARE) if isinstance(cls, type)]
    there = [kind for cls in classes for kind in _IN_ORDER if issubclass(cls, kind)]
    if tuple(there) == _IN_ORDER:
        return []
    wanted = ", ".join(cls.__name__ for cls in _IN_ORDER)
    hint = "Leave MIDDLEWARE to project/settings.py."
    return [_error("E005", f"MIDDLEWARE lacks one of {wanted}, or their order is wrong.", hint)]


@register(Tags.security)
def public_host_is_allowed(**kwargs: Any) -> list[CheckMessage]:
    """Django answers 400 to a host that it does not know."""
    name, _ = split_domain_port(urlsplit(settings.PUBLIC_URL).netloc)
    if validate_host(name, map(str, settings.ALLOWED_HOSTS)):
        return []
    text = f"PUBLIC_URL's host {name} is not in ALLOWED_HOSTS."
    return [_error("E006", text, f"Add {name} to ALLOWED_HOSTS, or mend PUBLIC_URL.")]


@register(Tags.security)
def no_redirect_loop(**kwargs: Any) -> list[CheckMessage]:
    """The site must learn from its proxy that the browser came by https."""
    proxied = [name for name in _BEHIND_PROXY if os.environ.get(name)]
    if proxied and _is_https() and settings.TRUSTED_PROXY_COUNT == 0:
        text = f"TRUSTED_PROXY_COUNT is 0, yet a proxy ends TLS here ({proxied[0]} is set)."
        return [_error("E008", text, "Set TRUSTED_PROXY_COUNT=1, one more for a CDN in front.")]
    if settings.SECURE_SSL_REDIRECT and not _is_https():
        hint = "Set PUBLIC_URL to the https address that staff use."
        return [_error("E008", "SECURE_SSL_REDIRECT is on, yet PUBLIC_URL is http.", hint)]
    return []


@register(Tags.security)
def callback_is_where_we_say(**kwargs: Any) -> list[CheckMessage]:
    """The redirect URI is PUBLIC_URL and a fixed path; Django must serve it there."""
    from accounts.registration import CALLBACK_PATH

    try:
        path = reverse("microsoft_callback")
    except NoReverseMatch:
        path = "nowhere"
    if path == CALLBACK_PATH:
        return []
    hint = "Include accounts.web.urls at the root of ROOT_URLCONF; leave FORCE_SCRIPT_NAME unset."
    return [_error("E009", f"The callback is served at {path}, not at {CALLBACK_PATH}.", hint)]


@register(Tags.security)
def nothing_stands_in_front(**kwargs: Any) -> list[CheckMessage]:
    """Easy Auth may take the callback for itself; DEBUG shows tracebacks to everyone."""
    return [_warning(*problem) for problem in _in_front()]


def _in_front() -> Iterator[tuple[str, str, str]]:
    if os.environ.get("WEBSITE_AUTH_ENABLED", "").lower() in ("1", "true"):
        hint = "App Service > Authentication > turn it off; this site does the sign-in itself."
        yield "W001", "Easy Auth (WEBSITE_AUTH_ENABLED) is on.", hint
    host = urlsplit(settings.PUBLIC_URL).hostname or ""
    if settings.DEBUG and not is_loopback(host):
        yield "W002", f"DEBUG is on, and people come to {host}.", "Set DEBUG=false."


@register(Tags.security)
def sessions_last(**kwargs: Any) -> list[CheckMessage]:
    """Settings under which a sign-in that takes its time loses its session."""
    return [_warning(*problem) for problem in _session_problems()]


@register(Tags.security)
def sessions_end_in_a_day(**kwargs: Any) -> list[CheckMessage]:
    """OWASP ASVS 5.0, 7.3.2: an absolute lifetime that fits the risk."""
    if settings.SESSION_HOURS <= _HOURS_OF_A_DAY:
        return []
    text = f"SESSION_HOURS is {settings.SESSION_HOURS}: a stolen cookie works as long."
    hint = "Set it to 24 or less; RECHECK_MINUTES has Microsoft confirm people in between."
    return [_warning("W008", text, hint)]


def _session_problems() -> Iterator[tuple[str, str, str]]:
    if settings.SESSION_SAVE_EVERY_REQUEST:
        text = "SESSION_SAVE_EVERY_REQUEST is on: an older copy may be written over a new sign-in."
        yield "W003", text, "Leave it off."
    if _is_https() and not settings.SESSION_COOKIE_SECURE:
        text = "SESSION_COOKIE_SECURE is off: the cookie can be read on the way."
        yield "W005", text, "Leave it to project/settings.py."


@register(Tags.security)
def stores_are_reached_by_tls(**kwargs: Any) -> list[CheckMessage]:
    """Whoever is on the way would read sessions, secrets and people, and could change them."""
    if settings.DEBUG or getattr(settings, "PRIVATE_NETWORK", False):
        return []
    text = "{} on {} is reached without TLS, and PRIVATE_NETWORK is not true."
    databases = transport.open_databases(settings.DATABASES.values(), os.environ)
    redis = transport.open_redis(_redis_urls())
    return [
        *(_error("E010", text.format("PostgreSQL", host), _DATABASE_TLS) for host in databases),
        *(_error("E011", text.format("Redis", host), _REDIS_TLS) for host in redis),
    ]


def _redis_urls() -> list[str]:
    """REDIS_URL, which names Sentinels too; else what the caches say."""
    if url := getattr(settings, "REDIS_URL", ""):
        return [url]
    entries = [e for e in settings.CACHES.values() if "redis" in e.get("BACKEND", "").lower()]
    locations = [entry.get("LOCATION", "") for entry in entries]
    return [url for one in locations for url in ([one] if isinstance(one, str) else one)]


@register()
def variables_are_read(**kwargs: Any) -> list[CheckMessage]:
    """A typing error in a variable's name: what it says has no effect."""
    hint = "Correct its name, or remove it."
    unread = getattr(settings, "ENVIRONMENT_WARNINGS", ())
    return [_warning("W007", warning, hint) for warning in unread]


@register()
def metrics_can_be_sent(**kwargs: Any) -> list[CheckMessage]:
    """Nobody would notice that figures are missing until they are needed."""
    if not telemetry.is_asked_for() or telemetry.is_installed():
        return []
    text = "OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry is not installed."
    return [_warning("W006", text, "pip install -r requirements/telemetry.txt")]


_COLLECT: Final = "While building, run: ./manage.py collectstatic --noinput"


@register()
def static_files_are_this_releases(**kwargs: Any) -> list[CheckMessage]:
    """Pages come without their style, or with that of another release."""
    what = static_files.problem() if static_files.is_collected() else ""
    text = f"The collected static files are not this release's: {what}."
    return [_warning("W010", text, _COLLECT)] if what else []


@register(deploy=True)
def static_files_are_collected(**kwargs: Any) -> list[CheckMessage]:
    """It works without, at a cost; told where somebody asks for all that could be better."""
    if settings.DEBUG or static_files.is_collected():
        return []
    text = "Static files are served as they are, neither hashed nor compressed."
    return [Info(text, hint=_COLLECT, id="accounts.I001")]


def _is_https() -> bool:
    return bool(settings.PUBLIC_URL.startswith("https://"))


def _error(number: str, text: str, hint: str) -> Error:
    return Error(text, hint=_hint(number, hint), id=f"accounts.{number}")


def _warning(number: str, text: str, hint: str) -> Warning:
    return Warning(text, hint=_hint(number, hint), id=f"accounts.{number}")


def _hint(number: str, hint: str) -> str:
    shown = SHOWS_AS.get(f"accounts.{number}")
    return f"{hint} Staff would meet: {', '.join(shown)}." if shown else hint
