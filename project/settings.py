"""The site's settings, from the environment.

Defaults of Django and allauth that fit are not repeated here.
"""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _

from accounts import logs
from project import csp, databases, extension, redis_cache, variables

ENV = variables.load(os.environ)
BASE_DIR = variables.BASE_DIR

globals().update(ENV.settings())  # each variable that the app reads: STEP_UP, SITE_NAME, …

# Identity

DEBUG = ENV.DEBUG
SECRET_KEY = ENV.SECRET_KEY
SECRET_KEY_FALLBACKS = list(ENV.SECRET_KEY_FALLBACKS)
PUBLIC_URL = ENV.PUBLIC_URL
HTTPS = PUBLIC_URL.startswith("https://")
_public = urlsplit(PUBLIC_URL)
_public_host = f"[{_public.hostname}]" if ":" in (_public.hostname or "") else _public.hostname
ALLOWED_HOSTS = [_public_host, *ENV.ALLOWED_HOSTS]
if DEBUG:
    ALLOWED_HOSTS += ["localhost", "127.0.0.1", "[::1]"]

# Apps

INSTALLED_APPS = [
    "accounts.apps.AccountsConfig",  # before admin and allauth, whose templates it overrides
    "accounts.apps.StaffAdminConfig",  # django.contrib.admin
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.microsoft",
    *csp.APPS,
]
MIDDLEWARE = [
    "accounts.web.health.HealthMiddleware",
    "accounts.web.cookies.CookieMiddleware",
    "accounts.web.proxy.ProxyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "accounts.web.popups.PopupMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    csp.MIDDLEWARE,
    "project.static.StaticFilesMiddleware",
    "accounts.web.middleware.CanonicalOriginMiddleware",
    "accounts.web.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.web.entrance.EntranceMiddleware",
    "accounts.web.session_limits.SessionLimitsMiddleware",
    "accounts.web.audited.AuditMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
ROOT_URLCONF = "project.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [*extension.folders("templates"), BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.web.site_names.names",
            ],
        },
    },
]

# Database

DATABASES = {"default": databases.database(ENV.DATABASE_URL)}

# Sessions and cache: in Redis, else in the database; all processes share them

REDIS_URL = ENV.REDIS_URL.text if ENV.REDIS_URL else ""
CACHES: dict[str, dict[str, Any]] = {"default": redis_cache.cache(ENV.REDIS_URL, PUBLIC_URL)}
SESSION_ENGINE = f"accounts.sessions.{'store' if REDIS_URL else 'database'}"
SESSION_COOKIE_AGE = ENV.SESSION_HOURS * 3600
SESSION_COOKIE_NAME = "__Host-sessionid" if HTTPS else "sessionid"
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_SAMESITE = "Lax"  # Strict would be withheld on the way back from Microsoft
SESSION_SAVE_EVERY_REQUEST = False  # else parallel requests overwrite each other's session

# Signing in with Microsoft

MICROSOFT_ADMIN_READ = None  # defined, since Django is slow to look up a missing setting

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.web.backends.MicrosoftBackend"]
if ENV.ADMIN_PASSWORD_LOGIN:
    AUTHENTICATION_BACKENDS += ["accounts.web.backends.PasswordBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

_expires = ENV.MICROSOFT_CLIENT_SECRET_EXPIRES
_app = {
    "client_id": ENV.MICROSOFT_CLIENT_ID,
    "secret": ENV.MICROSOFT_CLIENT_SECRET,
    "settings": {
        "tenant": ENV.MICROSOFT_TENANT_ID,
        "login_url": ENV.MICROSOFT_LOGIN_URL,
        "secret_expires": _expires.isoformat() if _expires else "",
    },
}
SOCIALACCOUNT_PROVIDERS: dict[str, dict[str, Any]] = {
    "microsoft": {
        "provider_class": "accounts.web.provider.MicrosoftProvider",
        "APPS": [_app] if ENV.MICROSOFT_CLIENT_ID else [],
    }
}
SOCIALACCOUNT_ADAPTER = "accounts.web.adapter.StaffSocialAccountAdapter"
SOCIALACCOUNT_AUTO_SIGNUP = False
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = False
SOCIALACCOUNT_EMAIL_VERIFICATION = "none"
SOCIALACCOUNT_LOGIN_ON_GET = False
SOCIALACCOUNT_QUERY_EMAIL = False
SOCIALACCOUNT_STORE_TOKENS = False
ACCOUNT_ADAPTER = "accounts.web.adapter.StaffAccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None

# Security

CSRF_COOKIE_NAME = "__Host-csrftoken" if HTTPS else "csrftoken"
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
CSRF_FAILURE_VIEW = "accounts.web.csrf.failure"
SECURE_SSL_REDIRECT = HTTPS
SECURE_SSL_HOST = _public.netloc
# CanonicalOriginMiddleware redirects these itself, and detects loops.
SECURE_REDIRECT_EXEMPT = [r"^$", r"^admin/", r"^accounts/microsoft/"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
# W021: preloading binds a whole domain for good, which its owner decides, not one app.
# W004 does not know that a constraint on Upper("email") makes addresses unique.
SILENCED_SYSTEM_CHECKS = ["security.W021", "auth.W004"]
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin-allow-popups"  # accounts/web/popups.py
SECURE_REFERRER_POLICY = "same-origin"  # pages of the sign-in say strict-origin themselves
SECURE_CSP = csp.POLICY
CONTENT_SECURITY_POLICY = {"DIRECTIVES": csp.POLICY}  # django-csp's name for it

# Languages

LANGUAGE_CODE = "en"
LANGUAGES = [
    ("en", _("English")),
    ("de", _("German")),
    ("fr", _("French")),
    ("es", _("Spanish")),
    ("vi", _("Vietnamese")),
]
LOCALE_PATHS = [*extension.folders("locale"), BASE_DIR / "locale"]
TIME_ZONE = ENV.TIME_ZONE
FORMAT_MODULE_PATH = "project.formats"

# Static files

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = extension.folders("static")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "project.static.StaticFiles"},
}
WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_USE_FINDERS = True  # plain names are served, whether or not files were collected

# Log

LOGGING = logs.configuration(ENV.LOG_FORMAT)
DEFAULT_EXCEPTION_REPORTER = "accounts.web.error_reports.Reporter"
DEFAULT_EXCEPTION_REPORTER_FILTER = "accounts.web.error_reports.ReporterFilter"

# A team's own settings (docs/extend.md)

IS_EXTENDED = extension.DIRECTORY.is_dir()
globals().update(extension.settings())
