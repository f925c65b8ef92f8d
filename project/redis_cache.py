"""The CACHES entry: Redis through django-redis, else the database.

Time-outs and retries keep one command under two seconds, whatever has become of Redis, so that
a page can say so while people still wait for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.connection import parse_url
from redis.retry import Retry
from typing_extensions import override

from project.azure import RedisLogin
from project.stores import Redis

T = TypeVar("T")

TIMEOUT: Final = 0.7  # seconds to connect, and to wait for an answer
SENTINEL_TIMEOUT: Final = 0.3  # each Sentinel is asked in turn
RETRIES: Final = 1
CONNECTIONS: Final = 32  # of one process, which has 18 threads and a few in the background
IN_DATABASE: Final = {
    "BACKEND": "django.core.cache.backends.db.DatabaseCache",
    "LOCATION": "cache",
}

_BRACKETS: Final = str.maketrans("", "", "[]")  # patterns of keys would take them for a choice

_attempt = threading.local()


class RetryOnce(Retry):
    """Retries the outermost of redis-py's nested steps only.

    A command pings, which connects, and each of them would retry: eight time-outs for one
    command where two are meant.
    """

    __hash__ = Retry.__hash__

    @override
    def call_with_retry(
        self,
        do: Callable[[], T],
        fail: Callable[..., Any],
        is_retryable: Callable[[Exception], bool] | None = None,
        with_failure_count: bool = False,
    ) -> T:
        if getattr(_attempt, "under_way", False):
            return _once.call_with_retry(do, fail, is_retryable, with_failure_count)
        _attempt.under_way = True
        try:
            return super().call_with_retry(do, fail, is_retryable, with_failure_count)
        finally:
            _attempt.under_way = False


_once = Retry(NoBackoff(), 0)


def key_prefix(public_url: str) -> str:
    """What every key of the site at this address begins with: another may share the Redis.

    Sessions cannot outlive a change of the address anyhow: their cookies belong to its host.
    """
    return f"staff:{urlsplit(public_url).netloc.translate(_BRACKETS)}"


def cache(redis: Redis | None, public_url: str) -> dict[str, Any]:
    """What CACHES["default"] is; both are shared by all workers."""
    if redis is None:
        return IN_DATABASE
    return {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": redis.url,
        "KEY_PREFIX": key_prefix(public_url),
        "OPTIONS": _options(redis) | (_sentinel(redis) if redis.sentinels else {}),
    }


def _options(redis: Redis) -> dict[str, Any]:
    login = {"credential_provider": RedisLogin()} if redis.by_entra else {}
    tls = {"ssl": True} if redis.sentinels_by_tls else {}  # of one server its URL says it
    return {
        "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
        "CONNECTION_FACTORY": "project.redis_clients.Factory",
        "CONNECTION_POOL_CLASS": "project.redis_connections.Pool",
        "SOCKET_CONNECT_TIMEOUT": TIMEOUT,
        "SOCKET_TIMEOUT": TIMEOUT,
        "CONNECTION_POOL_KWARGS": {
            "max_connections": CONNECTIONS,
            "health_check_interval": 30,  # clouds drop idle connections without a word
            "socket_keepalive": True,
            "retry": RetryOnce(ExponentialWithJitterBackoff(base=0.05, cap=0.2), RETRIES),
            **login,
            **tls,
        },
        "REDIS_CLIENT_KWARGS": login,
    }


def _tls_options(url: str) -> dict[str, Any]:
    """The URL's ssl_ options, which redis-py gives to the master's connections only."""
    options = parse_url(url)  # type: ignore[no-untyped-call]
    return {name: value for name, value in options.items() if name.startswith("ssl_")}


def _sentinel(redis: Redis) -> dict[str, Any]:
    """Reads go to the master, too: a replica may not have a session yet."""
    return {
        "CLIENT_CLASS": "django_redis.client.DefaultClient",
        "CONNECTION_FACTORY": "django_redis.pool.SentinelConnectionFactory",
        "CONNECTION_POOL_CLASS": "project.redis_connections.SentinelPool",
        "SENTINELS": list(redis.sentinels),
        "SENTINEL_KWARGS": {
            "socket_connect_timeout": SENTINEL_TIMEOUT,
            "socket_timeout": SENTINEL_TIMEOUT,
            "retry": Retry(NoBackoff(), 0),
            "ssl": redis.sentinels_by_tls,
            **_tls_options(redis.url),
        },
    }
