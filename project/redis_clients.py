"""The client for REDIS_URL: redis-py's plain client or its cluster client.

Azure Managed Redis is a cluster by default (OSS cluster policy), which its URL does not show. So
each process asks the server once, when it first connects.
"""

from __future__ import annotations

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

from accounts.http.origins import address_of
from accounts.process.per_process import PerProcess
from accounts.stores.outages import STORE_ERRORS
from project.redis_connections import Pool

RETRIES: Final = 2
_FAILURE_SECONDS: Final = 0.05  # for which a failure is cached: about one page
# The plain client's options that a cluster passes on to its nodes.
_NODE_OPTIONS: Final = (
    "credential_provider",
    "max_connections",
    "socket_connect_timeout",
    "socket_keepalive",
    "socket_timeout",
)


class Cluster(RedisCluster):
    """redis-py's, with MGET across nodes."""

    @override
    def mget(self, keys: Any, *args: Any) -> Any:
        return self.mget_nonatomic(keys, *args)


class Factory(ConnectionFactory):
    """django-redis's, for a single server or a cluster."""

    @override
    def get_connection(self, params: dict[str, Any]) -> Any:
        """The client. Raises what any command would if the server is unavailable."""
        plain: Redis = super().get_connection(params)
        url, clusters = str(params["url"]), _clusters.get()
        if url not in clusters:
            clusters.setdefault(url, self._find_cluster(url, plain, params))
        return clusters[url] or plain

    def _find_cluster(self, url: str, plain: Redis, params: dict[str, Any]) -> Cluster | None:
        """Raises a recent failure again, so that a page waits for a time-out once."""
        at, problem = _failed.get().get(url, (0.0, None))
        if problem is not None and time.monotonic() - at < _FAILURE_SECONDS:
            raise problem
        try:
            return _cluster(url, _nodes(plain), {**params, **self.pool_cls_kwargs})
        except STORE_ERRORS as outage:
            _failed.get()[url] = time.monotonic(), outage
            raise


# The process's clusters by URL; None for a single server.
_clusters: PerProcess[dict[str, Cluster | None]] = PerProcess(dict)
_failed: PerProcess[dict[str, tuple[float, Exception]]] = PerProcess(dict)


def _nodes(client: Redis) -> list[tuple[str, int]]:
    """The masters' addresses; none for a single server, or if the user may not ask."""
    try:
        slots: Any = client.execute_command("CLUSTER SLOTS")  # type: ignore[no-untyped-call]
    except ResponseError:
        return []
    return [(str(primary[0]), int(primary[1])) for primary in _primaries(slots)]


def _primaries(slots: Any) -> Iterable[Any]:
    """The primary of each range of slots, from redis-py's mapping or the server's own list."""
    if isinstance(slots, dict):
        return [nodes["primary"] for nodes in slots.values()]
    return [entry[2] for entry in slots]


def _cluster(url: str, nodes: list[tuple[str, int]], options: dict[str, Any]) -> Cluster | None:
    if not nodes:
        return None
    return Cluster(
        url=url,
        retry=Retry(ExponentialWithJitterBackoff(base=0.05, cap=0.2), RETRIES),
        connection_pool_class=Pool,
        address_remap=_by_name(url, nodes),
        dynamic_startup_nodes=False,  # the host name stays valid when addresses change
        **{name: value for name, value in options.items() if name in _NODE_OPTIONS},
    )


def _by_name(
    url: str, nodes: list[tuple[str, int]]
) -> Callable[[tuple[str, int]], tuple[str, int]] | None:
    """A mapping of the nodes' IP addresses to the URL's host, for TLS.

    Azure's nodes announce addresses, but their certificates have the common host name, at which
    each node has its own port. So this applies if all ports differ.
    """
    host = str(parse_url(url).get("host", ""))  # type: ignore[no-untyped-call]
    ports = {port for _, port in nodes}
    if not url.startswith("rediss") or len(ports) < len(set(nodes)):
        return None
    return lambda address: (host, address[1]) if address_of(address[0]) else address
