"""The CACHES entry: Redis through django-redis, else the database.

Time-outs and retries bound one command to two seconds, so that a page can report an outage while
people still wait for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.connection import parse_url
from redis.driver_info import DriverInfo
from redis.retry import Retry
from typing_extensions import override

from project.azure import RedisLogin
from project.stores import Redis

T = TypeVar("T")

TIMEOUT: Final = 0.7  # seconds to connect, and for each reply
SENTINEL_TIMEOUT: Final = 0.3  # Sentinels are asked one after the other
RETRIES: Final = 1
CONNECTIONS: Final = 32  # of one process, with 18 threads and a few in the background
IN_DATABASE: Final = {
    "BACKEND": "django.core.cache.backends.db.DatabaseCache",
    "LOCATION": "cache",
}

_DRIVER: Final = DriverInfo()  # redis-py would look up its version for each connection

_BRACKETS: Final = str.maketrans("", "", "[]")  # special characters in Redis's key patterns

_attempt = threading.local()


class RetryOnce(Retry):
    """Retries only the outermost of redis-py's nested operations.

    A command pings, and a ping connects, each with retries of its own: eight time-outs for one
    command instead of two.
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
    """The prefix of the site's keys, since several sites may share the Redis.

    It changes with the address, which ends sessions anyway: cookies belong to its host.
    """
    return f"staff:{urlsplit(public_url).netloc.translate(_BRACKETS)}"


def cache(redis: Redis | None, public_url: str) -> dict[str, Any]:
    """CACHES["default"], shared by all workers."""
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
    tls = {"ssl": True} if redis.sentinels_by_tls else {}  # a single server's URL says so itself
    return {
        "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
        "CONNECTION_FACTORY": "project.redis_clients.Factory",
        "CONNECTION_POOL_CLASS": "project.redis_connections.Pool",
        "SOCKET_CONNECT_TIMEOUT": TIMEOUT,
        "SOCKET_TIMEOUT": TIMEOUT,
        "CONNECTION_POOL_KWARGS": {
            "max_connections": CONNECTIONS,
            "health_check_interval": 30,  # clouds drop idle connections silently
            "socket_keepalive": True,
            "driver_info": _DRIVER,
            "retry": RetryOnce(ExponentialWithJitterBackoff(base=0.05, cap=0.2), RETRIES),
            **login,
            **tls,
        },
        "REDIS_CLIENT_KWARGS": login,
    }


def _tls_options(url: str) -> dict[str, Any]:
    """The URL's ssl_ options: redis-py uses them for the master's connections only."""
    options = parse_url(url)  # type: ignore[no-untyped-call]
    return {name: value for name, value in options.items() if name.startswith("ssl_")}


def _sentinel(redis: Redis) -> dict[str, Any]:
    """Reads go to the master too: a replica may lack a new session."""
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
