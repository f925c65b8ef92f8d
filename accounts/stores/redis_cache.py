"""The Redis client behind a Django cache, of django-redis or of Django's own backend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.cache import caches
from django.core.cache.backends.redis import RedisCache


def is_redis(cache: Mapping[str, Any]) -> bool:
    """Whether an entry of CACHES uses Redis: both backends' classes have the same name."""
    return str(cache.get("BACKEND", "")).endswith(".RedisCache")


def client_of(alias: str = "default") -> Any:
    """The cache's client, with its time-outs, TLS, Sentinels or cluster."""
    cache: Any = caches[alias]
    if isinstance(cache, RedisCache):
        return cache._cache.get_client(None, write=True)
    return cache.client.get_client(write=True)


def pool_of(alias: str = "default") -> Any:
    """The cache's connection pool; opens no connection."""
    cache: Any = caches[alias]
    if isinstance(cache, RedisCache):
        return cache._cache._get_connection_pool(write=True)  # type: ignore[attr-defined]
    factory, server = cache.client.connection_factory, cache.client._server[0]
    return factory.get_or_create_connection_pool(factory.make_connection_params(server))
