"""Stock django-allauth for the same job: same Django, server, database, Redis and Microsoft.

Its defaults are kept, save what the job needs: the tenant, who may in, sessions in Redis.
"""

from project.settings import *  # noqa: F403
from project.settings import DATABASES, ENV, INSTALLED_APPS
from tests.bench.metering import metered

INSTALLED_APPS = [
    "tests.bench.stock.apps.PeopleConfig" if app == "accounts.apps.AccountsConfig" else app
    for app in INSTALLED_APPS
    if app != "csp"
]
INSTALLED_APPS = [
    "django.contrib.admin" if app.endswith("StaffAdminConfig") else app for app in INSTALLED_APPS
]
MIDDLEWARE = metered([
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
])  # fmt: skip
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
SECURE_SSL_REDIRECT = False
ROOT_URLCONF = "tests.bench.stock.urls"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
CACHES = {
    "default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": ENV.REDIS_URL.url}  # type: ignore[union-attr]
}
SESSION_ENGINE = "django.contrib.sessions.backends.cache"
DATABASES["default"]["CONN_MAX_AGE"] = 600
ACCOUNT_ADAPTER = "allauth.account.adapter.DefaultAccountAdapter"
SOCIALACCOUNT_ADAPTER = "allauth.socialaccount.adapter.DefaultSocialAccountAdapter"
SOCIALACCOUNT_EMAIL_AUTHENTICATION = True
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True
SOCIALACCOUNT_PROVIDERS = {
    "microsoft": {
        "VERIFIED_EMAIL": True,
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "client_id": ENV.MICROSOFT_CLIENT_ID,
                "secret": ENV.MICROSOFT_CLIENT_SECRET,
                "settings": {
                    "tenant": ENV.MICROSOFT_TENANT_ID,
                    "login_url": ENV.MICROSOFT_LOGIN_URL,
                    "graph_url": ENV.MICROSOFT_LOGIN_URL,
                },
            }
        ],
    }
}
