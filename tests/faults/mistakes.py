"""The project's settings with one mistake that no environment variable can make; MISTAKE names it.

DJANGO_SETTINGS_MODULE=tests.faults.mistakes MISTAKE=samesite_strict ./manage.py doctor
"""

import os
import secrets
from typing import Any

from project import settings as right
from project.settings import *  # noqa: F403

_MEMORY = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
_REDIS = right.CACHES["default"]
_OPTIONS = _REDIS.get("OPTIONS", {})
_PICKLE = {**_OPTIONS, "SERIALIZER": "django_redis.serializers.pickle.PickleSerializer"}
_STOCK = "django.contrib.sessions.backends"

MISTAKES: dict[str, dict[str, Any]] = {
    "per_process_sessions": {"CACHES": _MEMORY, "SESSION_ENGINE": f"{_STOCK}.cache"},
    "per_process_cache": {"CACHES": _MEMORY, "SESSION_ENGINE": f"{_STOCK}.db"},
    "file_sessions": {
        "SESSION_ENGINE": f"{_STOCK}.file",
        "SESSION_FILE_PATH": os.environ.get("SESSION_FILES"),
    },
    "signed_cookies": {"SESSION_ENGINE": f"{_STOCK}.signed_cookies"},
    "samesite_strict": {"SESSION_COOKIE_SAMESITE": "Strict"},
    "cookie_domain": {"SESSION_COOKIE_DOMAIN": "staff.example.com"},
    "cookie_path": {"SESSION_COOKIE_PATH": "/admin/"},
    "secure_cookie_on_http": {"SESSION_COOKIE_SECURE": True},
    "secure_csrf_cookie_on_http": {"CSRF_COOKIE_SECURE": True},
    "csrf_cookie_domain": {"CSRF_COOKIE_DOMAIN": "staff.example.com"},
    "pickled_sessions": {"CACHES": {"default": {**_REDIS, "OPTIONS": _PICKLE}}},
    "saved_by_every_request": {"SESSION_SAVE_EVERY_REQUEST": True},
    "no_session_middleware": {
        "MIDDLEWARE": [name for name in right.MIDDLEWARE if "SessionMiddleware" not in name]
    },
    "stock_adapter": {
        "SOCIALACCOUNT_ADAPTER": "allauth.socialaccount.adapter.DefaultSocialAccountAdapter"
    },
    "hosts_without_ours": {"ALLOWED_HOSTS": ["old.example.com"]},
    "static_root": {"STATIC_ROOT": os.environ.get("STATIC_FILES")},
    "key_prefix": {"CACHES": {"default": {**_REDIS, "KEY_PREFIX": "slot"}}},
    "new_key_at_each_start": {"SECRET_KEY": secrets.token_urlsafe(64)},
}

globals().update(MISTAKES[os.environ["MISTAKE"]])
