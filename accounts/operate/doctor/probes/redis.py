"""Redis, where sessions and used states live: does it answer, and does it keep what it is given?"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.core.cache import cache, caches
from redis.connection import SSLConnection
from redis.exceptions import RedisError, ResponseError

from ....http.deadline import within
from ....sessions.index import sessions
from ....sessions.store import SessionStore
from ....signin import state
from ....stores.outages import STORE_ERRORS
from ....stores.redis_cache import client_of, is_redis, pool_of
from ....web import throttle
from ..causes import explain_redis, facts_of, facts_of_connecting
from ..finding import Observation, fault, ok

REACHABLE: Final = "redis.reachable"
WRITABLE: Final = "redis.writable"
USABLE: Final = (REACHABLE, WRITABLE, "redis.use", "redis.rights")  # unless one of them is an error
_SECONDS: Final = 5.0
_SLOW_MS: Final = 50
_NEARLY_FULL: Final = 0.9
_OLDEST: Final = (6, 2)
_VARIABLE: Final = "REDIS_URL"
_NOBODY: Final = "doctor"  # no user has this key
_COMMAND: Final = re.compile(r"run the '([a-z|]+)'")  # in a NOPERM error: Redis, acl.c


def is_used() -> bool:
    """Whether the default cache is Redis at all; without it, sessions are in the database."""
    return is_redis(settings.CACHES["default"])


def reachable() -> Iterator[Observation]:
    """Connects, and times a few round trips, with a time-out of its own."""
    try:
        best = within(_SECONDS, _round_trip)
    except Exception as problem:
        yield fault(REACHABLE, **facts_of_connecting(problem, _VARIABLE, _explain))
        return
    yield ok(REACHABLE, ms=f"{best:.1f}")
    if best > _SLOW_MS:
        yield fault("redis.slow", ms=f"{best:.0f}")


def writable() -> Iterator[Observation]:
    """Writes one key: shows full memory, a replica, failed persistence, missing rights."""
    key = caches["default"].make_key(f"session:doctor-{time.time_ns()}")
    try:
        client_of().set(key, "1", px=5000)
        value = client_of().get(key)
        client_of().delete(key)
    except RedisError as problem:
        yield fault(WRITABLE, **facts_of(problem, _VARIABLE))
        return
    yield ok(WRITABLE) if value is not None else fault("redis.not_kept")


def uses() -> Iterator[Observation]:
    """Runs the very commands of a sign-in under their own keys, and deletes these again."""
    has_failed = False
    for what, key, work in _uses():
        try:
            work()
        except STORE_ERRORS as problem:
            has_failed = True
            yield _failed_use(what, key, problem)
    if not has_failed:
        yield ok("redis.rights")


def _uses() -> Iterator[tuple[str, str, Callable[[], object]]]:
    """What uses Redis, under which keys, and how."""
    key = caches["default"].make_key
    if str(settings.SESSION_ENGINE).endswith("sessions.store"):
        yield "a session", f"{key('session:*')} and {key('user-sessions:*')}", _session
    yield "the mark of a used state", key("state-used:*"), _used_state
    prefix = settings.CACHES["default"].get("KEY_PREFIX", "")
    yield "a throttle", f"{prefix}:throttle*", _throttle


def _session() -> None:
    """As a sign-in does: an anonymous session, then a user's under another key, then its end."""
    store = SessionStore()
    store["doctor"] = "1"
    store.set_expiry(60)
    store.save()
    stored = SessionStore(store.session_key)
    stored["doctor"] = "2"
    stored.save()
    stored.cycle_key()
    stored[SESSION_KEY] = _NOBODY
    stored.save()
    sessions().of(_NOBODY)
    sessions().end_all_of(_NOBODY)
    stored.delete()


def _used_state() -> None:
    key = state.used_key(f"doctor {time.time_ns()}")
    cache.add(key, 1, 5)
    cache.get(key)
    cache.delete(key)


def _throttle() -> None:
    identifiers = ("doctor", f"doctor {time.time_ns()}")
    limiter = throttle.new_limiter()
    limiter.hit(throttle.STARTS.item, *identifiers)
    limiter.get_window_stats(throttle.STARTS.item, *identifiers)
    limiter.clear(throttle.STARTS.item, *identifiers)


def _failed_use(what: str, key: str, problem: Exception) -> Observation:
    facts = facts_of(problem, _VARIABLE)
    if facts["code"] != "NOPERM":
        return fault("redis.use", what=what, key=key, **facts)
    command = _COMMAND.search(facts["cause"])
    name = command[1].upper() if command else "a command"
    return fault("redis.rights", what=what, key=key, command=name, cause=facts["cause"])


def condition() -> Iterator[Observation]:
    """What INFO says: role, version, memory; eviction and persistence, if sessions are there."""
    try:
        info: Mapping[str, Any] = dict(client_of().info())
    except RedisError as problem:
        yield fault("redis.info", cause=facts_of(problem, _VARIABLE)["cause"])
        return
    yield from _server(info)
    if str(settings.SESSION_ENGINE).endswith(("sessions.store", "backends.cache")):
        yield from _eviction(info)
        yield from _persistence(info)
    yield from _memory(info)


def _explain(error: Exception) -> Exception:
    pool = pool_of()
    tls = issubclass(pool.connection_class, SSLConnection)
    return explain_redis(error, pool.connection_kwargs, tls=tls)


def _round_trip() -> float:
    """In milliseconds, the best of five."""
    client = client_of()
    times = []
    for _ in range(5):
        began = time.perf_counter()
        client.ping()
        times.append((time.perf_counter() - began) * 1000)
    return min(times)


def _config(name: str) -> str | None:
    """One setting, or None where CONFIG is refused, as managed services do."""
    try:
        return str(client_of().config_get(name)[name])
    except (ResponseError, KeyError):
        return None


def _server(info: Mapping[str, Any]) -> Iterator[Observation]:
    version = str(info.get("redis_version", "0"))
    if info.get("role") == "slave":
        yield fault("redis.role")
    if tuple(map(int, version.split(".")[:2])) < _OLDEST:
        yield fault("redis.version_old", version=version)
    else:
        yield ok("redis.version", version=version, role=info.get("role", "role unknown"))


def _eviction(info: Mapping[str, Any]) -> Iterator[Observation]:
    policy = str(info.get("maxmemory_policy") or _config("maxmemory-policy") or "unknown")
    evicted, limit = int(info.get("evicted_keys", 0)), int(info.get("maxmemory", 0))
    if policy == "noeviction":
        yield ok("redis.eviction", why="maxmemory-policy noeviction")
    elif evicted:
        yield fault("redis.eviction", evicted=evicted, policy=policy)
    elif limit or policy == "unknown":
        yield fault("redis.may_evict", policy=policy)
    else:
        yield ok("redis.eviction", why=f"no memory limit, so {policy} evicts nothing")


def _memory(info: Mapping[str, Any]) -> Iterator[Observation]:
    used, limit = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    if limit and used > limit * _NEARLY_FULL:
        yield fault("redis.memory", used=used // 1024, limit=limit // 1024)


def _persistence(info: Mapping[str, Any]) -> Iterator[Observation]:
    saves = _config("save")
    if int(info.get("aof_enabled", 0)) or saves:
        yield ok("redis.persistence", keeps="keeps sessions over a restart")
    elif saves is None:
        yield ok("redis.persistence", keeps="does not say whether it keeps data over a restart")
    else:
        yield fault("redis.persistence")
