"""The CACHES entry: Redis through django-redis, else the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from project.stores import Redis

IN_DATABASE: Final = {
    "BACKEND": "django.core.cache.backends.db.DatabaseCache",
    "LOCATION": "cache",
}


def cache(redis: Redis | None) -> dict[str, Any]:
    """What CACHES["default"] is; both are shared by all workers."""
    if redis is None:
        return IN_DATABASE
    return {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": redis.url,
        "KEY_PREFIX": "staff",
        "OPTIONS": {"SERIALIZER": "django_redis.serializers.json.JSONSerializer"},
    }
