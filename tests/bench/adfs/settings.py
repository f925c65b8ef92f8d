"""django-auth-adfs for the same job: same Django, server, database, Redis and Microsoft.

Its defaults are kept, save what the job needs: the tenant, people who exist already, Microsoft's
local address, and the id_token as the token that it verifies, since the local Microsoft's access
tokens are as opaque as Graph's.
"""

import os
from urllib.parse import urlsplit

from tests.bench.stock.settings import *  # noqa: F403
from tests.bench.stock.settings import (
    ENV,
    INSTALLED_APPS,
    MIDDLEWARE,
    TEMPLATES,
)

CONTEXT = [
    "django.template.context_processors.request",
    "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages",
]
INSTALLED_APPS = [
    *(app for app in INSTALLED_APPS if not app.startswith(("allauth", "tests.bench.stock"))),
    "django_auth_adfs",
]
AUTH_USER_MODEL = "auth.User"
MIDDLEWARE = [name for name in MIDDLEWARE if "allauth" not in name]
TEMPLATES = [{**TEMPLATES[0], "DIRS": [], "OPTIONS": {"context_processors": CONTEXT}}]
ROOT_URLCONF = "tests.bench.adfs.urls"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "tests.bench.adfs.microsoft.IdTokenBackend",
]
AUTH_ADFS: dict[str, object] = {
    "SETTINGS_CLASS": "tests.bench.adfs.address.LocalSettings",
    "TENANT_ID": ENV.MICROSOFT_TENANT_ID,
    "CLIENT_ID": ENV.MICROSOFT_CLIENT_ID,
    "CLIENT_SECRET": ENV.MICROSOFT_CLIENT_SECRET,
    "RELYING_PARTY_ID": ENV.MICROSOFT_CLIENT_ID,
    "AUDIENCE": ENV.MICROSOFT_CLIENT_ID,
    "VERSION": "v2.0",
    "SCOPES": ["openid", "profile", "email"],
    "USERNAME_CLAIM": "email",
    "CLAIM_MAPPING": {},
    "GROUPS_CLAIM": None,
    "CREATE_NEW_USERS": False,
    "CA_BUNDLE": os.environ.get("REQUESTS_CA_BUNDLE", True),
}
LOCAL_MICROSOFT = urlsplit(ENV.MICROSOFT_LOGIN_URL).netloc
LOGIN_REDIRECT_URL = "/admin/"
CSRF_FAILURE_VIEW = "django.views.csrf.csrf_failure"
