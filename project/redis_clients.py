"""The client for the Redis at REDIS_URL: redis-py's plain one, or its cluster's where it is one.

Azure Managed Redis is a cluster by default (its OSS cluster policy), and looks like any other Redis
by its URL. Each process asks once, when it first connects.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from django_redis.pool import ConnectionFactory
from redis import Redis
from redis.backoff import ExponentialWithJitterBackoff
from redis.cluster import RedisCluster
from redis.connection import parse_url
from redis.exceptions import ResponseError
from redis.retry import Retry
from typing_extensions import override

from accounts.process.per_process import PerProcess
from accounts.stores.outages import STORE_ERRORS
from project.redis_connections import Pool

RETRIES: Final = 2
_FAILS_AGAIN: Final = 0.05  # seconds: of the same page
# What a cluster's nodes take of the plain client's options; the rest is the cluster's own.
_OF_A_NODE: Final = (
    "credential_provider",
    "max_connections",
    "socket_connect_timeout",
    "socket_keepalive",
    "socket_timeout",
)


class Cluster(RedisCluster):
    """redis-py's; what takes several keys is asked of each node for its own."""

    @override
    def mget(self, keys: Any, *args: Any) -> Any:
        return self.mget_nonatomic(keys, *args)


class Factory(ConnectionFactory):
    """django-redis's, for one server or a cluster."""

    @override
    def get_connection(self, params: dict[str, Any]) -> Any:
        """Raises what any command would while the server cannot be asked what it is."""
        plain: Redis = super().get_connection(params)
        url, known = str(params["url"]), _clusters.get()
        if url not in known:
            known.setdefault(url, self._ask(url, plain, params))
        return known[url] or plain

    def _ask(self, url: str, plain: Redis, params: dict[str, Any]) -> Cluster | None:
        """What failed just now fails again at once: a page waits for it one time, not several."""
        at, problem = _failed.get().get(url, (0.0, None))
        if problem is not None and time.monotonic() - at < _FAILS_AGAIN:
            raise problem
        try:
            return _cluster(url, _nodes(plain), {**params, **self.pool_cls_kwargs})
        except STORE_ERRORS as outage:
            _failed.get()[url] = time.monotonic(), outage
            raise


# The process's clusters by URL; None where a URL leads to a single server.
_clusters: PerProcess[dict[str, Cluster | None]] = PerProcess(dict)
_failed: PerProcess[dict[str, tuple[float, Exception]]] = PerProcess(dict)


def _nodes(client: Redis) -> list[tuple[str, int]]:
    """The masters' addresses; none of a single server, or where the user may not ask."""
    try:
        slots: Any = client.execute_command("CLUSTER SLOTS")  # type: ignore[no-untyped-call]
    except ResponseError:
        return []
    return [(str(primary[0]), int(primary[1])) for primary in _primaries(slots)]


def _primaries(slots: Any) -> Iterable[Any]:
    """redis-py's answer has a mapping with `primary` for each range; the server's own, a list."""
    if isinstance(slots, dict):
        return [nodes["primary"] for nodes in slots.values()]
    return [each[2] for each in slots]


def _cluster(url: str, nodes: list[tuple[str, int]], options: dict[str, Any]) -> Cluster | None:
    if not nodes:
        return None
    return Cluster(
        url=url,
        retry=Retry(ExponentialWithJitterBackoff(base=0.05, cap=0.2), RETRIES),
        connection_pool_class=Pool,
        address_remap=_by_name(url, nodes),
        dynamic_startup_nodes=False,  # the name stays when the addresses change
        **{name: value for name, value in options.items() if name in _OF_A_NODE},
    )


def _by_name(
    url: str, nodes: list[tuple[str, int]]
) -> Callable[[tuple[str, int]], tuple[str, int]] | None:
    """Azure's nodes tell their addresses, and their certificates hold one name for all of them.

    They share the name, and each has a port of its own: so it does where ports are all different.
    """
    host = str(parse_url(url).get("host", ""))  # type: ignore[no-untyped-call]
    ports = {port for _, port in nodes}
    if not url.startswith("rediss") or len(ports) < len(set(nodes)):
        return None
    return lambda address: (host, address[1]) if _is_address(address[0]) else address


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
