"""Redis, where sessions and used states live: does it answer, and does it keep what it is given?"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from redis.exceptions import RedisError, ResponseError

from accounts.http.deadline import within
from accounts.operate.doctor.finding import Finding, error, ok, warning
from accounts.operate.doctor.redis_trouble import hint_for, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

REACHABLE: Final = "redis.reachable"
WRITABLE: Final = "redis.writable"
_SECONDS: Final = 5.0
_SLOW_MS: Final = 50
_NEARLY_FULL: Final = 0.9
_OLDEST: Final = (6, 2)
_AWAY: Final = ("session_store_unavailable",)
_GONE: Final = ("session_not_found",)


def is_used() -> bool:
    """Whether the cache of the settings is Redis at all; without, sessions are in the database."""
    return str(settings.CACHES["default"]["BACKEND"]).startswith("django_redis")


def client() -> Any:
    """The site's own client: its time-outs, TLS, Sentinel."""
    from django_redis import get_redis_connection

    return get_redis_connection("default")


def reachable() -> Iterator[Finding]:
    """Connect and time a few round trips, with a time-out of our own."""
    try:
        best = within(_SECONDS, _round_trip)
    except Exception as problem:
        yield _failed(REACHABLE, "Redis does not answer", problem)
        return
    if best <= _SLOW_MS:
        yield ok(REACHABLE, f"Redis answers in {best:.1f} ms")
    else:
        yield warning(
            REACHABLE,
            f"Redis answers, but needs {best:.0f} ms",
            "Every page needs several round trips.",
            shows_as=_AWAY,
            fix="Put Redis into the site's own region and network.",
        )


def writable() -> Iterator[Finding]:
    """A key that goes away by itself: shows full memory, a replica, failed persistence, ACLs."""
    key = f"doctor:{time.time_ns()}"
    try:
        client().set(key, "1", px=5000)
        kept = client().get(key)
        client().delete(key)
    except RedisError as problem:
        yield _failed(WRITABLE, "Redis takes no writes", problem)
        return
    if kept is not None:
        yield ok(WRITABLE, "Redis takes writes and gives them back")
        return
    yield error(
        WRITABLE,
        "What was written to Redis could not be read back",
        "It was evicted at once, or reads go to a replica that lags behind.",
        shows_as=_GONE,
        fix="Set REDIS_URL to the master, with maxmemory-policy noeviction and room to spare.",
    )


def condition() -> Iterator[Finding]:
    """What INFO tells: role, version, memory, persistence."""
    info = _info()
    if not info:
        fix = "Allow INFO to the site's Redis user, or look at the server's settings yourself."
        detail = "Eviction and persistence could not be looked at."
        yield warning("redis.info", "Redis does not tell its condition", detail, fix=fix)
        return
    yield from _server(info)
    yield from _eviction(info)
    yield from _memory(info)
    yield from _persistence(info)


def _round_trip() -> float:
    connected = client()
    times = []
    for _ in range(5):
        began = time.perf_counter()
        connected.ping()
        times.append((time.perf_counter() - began) * 1000)
    return min(times)


def _failed(id_: str, title: str, problem: Exception) -> Finding:
    return error(id_, title, text_of(problem), shows_as=_AWAY, fix=hint_for(problem))


def _info() -> Mapping[str, Any]:
    try:
        return dict(client().info())
    except RedisError:
        return {}


def _config(name: str) -> str | None:
    """One setting, or None where CONFIG is refused, as managed services do."""
    try:
        return str(client().config_get(name)[name])
    except (ResponseError, KeyError):
        return None


def _server(info: Mapping[str, Any]) -> Iterator[Finding]:
    version = str(info.get("redis_version", "0"))
    if info.get("role") == "slave":
        yield error(
            "redis.role",
            "Redis is a read-only replica",
            "REDIS_URL leads to a replica; sessions cannot be written there.",
            shows_as=_AWAY,
            fix="Set REDIS_URL to the master, or to the Sentinels that know it.",
        )
    if int(info.get("cluster_enabled", 0)):
        yield error(
            "redis.cluster",
            "Redis is a cluster",
            "The site's client does not follow MOVED answers.",
            shows_as=_AWAY,
            fix="Use a non-clustered Redis, or Azure Managed Redis with the Enterprise policy.",
        )
    if tuple(map(int, version.split(".")[:2])) < _OLDEST:
        text = f"Redis {version} is older than 6.2"
        yield warning("redis.version", text, "It gets no mends.", fix="Move to Redis 7 or newer.")
    else:
        yield ok("redis.version", f"Redis {version}, {info.get('role', 'role unknown')}")


def _eviction(info: Mapping[str, Any]) -> Iterator[Finding]:
    policy = str(info.get("maxmemory_policy") or _config("maxmemory-policy") or "unknown")
    evicted, limit = int(info.get("evicted_keys", 0)), int(info.get("maxmemory", 0))
    fix = (
        "redis-cli CONFIG SET maxmemory-policy noeviction, and the same in redis.conf; on Azure:"
        " the cache > Advanced settings > Maxmemory policy > noeviction. Then give it memory."
    )
    if policy == "noeviction":
        yield ok("redis.eviction", "Redis evicts nothing (maxmemory-policy noeviction)")
    elif evicted:
        title = f"Redis evicts sessions: {evicted} keys since it started"
        detail = f"Memory is full, and maxmemory-policy {policy} throws sessions away."
        yield error("redis.eviction", title, detail, shows_as=_GONE, fix=fix)
    elif limit or policy == "unknown":
        detail = f"maxmemory-policy is {policy}: when memory is full, sessions are thrown away."
        title = "Redis may evict sessions"
        yield warning("redis.eviction", title, detail, shows_as=_GONE, fix=fix)
    else:
        yield ok("redis.eviction", f"Redis has no memory limit, so {policy} evicts nothing")


def _memory(info: Mapping[str, Any]) -> Iterator[Finding]:
    used, limit = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    if limit and used > limit * _NEARLY_FULL:
        yield warning(
            "redis.memory",
            f"Redis is nearly full: {used // 1024} of {limit // 1024} KiB",
            "Soon it refuses writes, or evicts sessions.",
            shows_as=("session_store_unavailable", "session_not_found"),
            fix="A larger maxmemory, or a Redis for this site alone.",
        )


def _persistence(info: Mapping[str, Any]) -> Iterator[Finding]:
    saves = _config("save")
    if int(info.get("aof_enabled", 0)) or saves:
        yield ok("redis.persistence", "Redis keeps sessions over a restart")
    elif saves is None:
        yield ok("redis.persistence", "Redis does not tell whether it keeps data over a restart")
    else:
        yield warning(
            "redis.persistence",
            "Redis forgets everything when it restarts",
            "Then everybody is signed out, and sign-ins under way are lost.",
            shows_as=_GONE,
            fix="redis-cli CONFIG SET appendonly yes, and the same in redis.conf.",
        )
