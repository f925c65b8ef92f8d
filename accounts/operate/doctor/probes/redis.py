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
from ..causes import facts_of, facts_of_connecting, of_redis
from ..finding import Observation, fault, ok

REACHABLE: Final = "redis.reachable"
WRITABLE: Final = "redis.writable"
USE: Final = ("redis.use", "redis.rights")
USABLE: Final = (REACHABLE, WRITABLE, *USE)  # what needs Redis is looked at when none is an error
_SECONDS: Final = 5.0
_SLOW_MS: Final = 50
_NEARLY_FULL: Final = 0.9
_OLDEST: Final = (6, 2)
_OF: Final = "REDIS_URL"
_NOBODY: Final = "doctor"  # no user has this key
_COMMAND: Final = re.compile(r"run the '([a-z|]+)'")  # of NOPERM, in Redis's acl.c


def is_used() -> bool:
    """Whether the cache of the settings is Redis at all; without, sessions are in the database."""
    return is_redis(settings.CACHES["default"])


def reachable() -> Iterator[Observation]:
    """Connect and time a few round trips, with a time-out of our own."""
    try:
        best = within(_SECONDS, _round_trip)
    except Exception as problem:
        yield fault(REACHABLE, **facts_of_connecting(problem, _OF, _explain))
        return
    yield ok(REACHABLE, ms=f"{best:.1f}")
    if best > _SLOW_MS:
        yield fault("redis.slow", ms=f"{best:.0f}")


def writable() -> Iterator[Observation]:
    """A key that goes away by itself: shows full memory, a replica, failed persistence, ACLs."""
    key = caches["default"].make_key(f"session:doctor-{time.time_ns()}")
    try:
        client_of().set(key, "1", px=5000)
        kept = client_of().get(key)
        client_of().delete(key)
    except RedisError as problem:
        yield fault(WRITABLE, **facts_of(problem, _OF))
        return
    yield ok(WRITABLE) if kept is not None else fault("redis.not_kept")


def uses() -> Iterator[Observation]:
    """The very commands of a sign-in, each under its own keys, and gone again."""
    failed = False
    for what, key, work in _uses():
        try:
            work()
        except STORE_ERRORS as problem:
            failed = True
            yield _of_use(what, key, problem)
    if not failed:
        yield ok("redis.rights")


def _uses() -> Iterator[tuple[str, str, Callable[[], object]]]:
    key = caches["default"].make_key
    if str(settings.SESSION_ENGINE).endswith("sessions.store"):
        yield "a session", f"{key('session:*')} and {key('user-sessions:*')}", _session
    yield "the mark of a used state", key("state-used:*"), _used_state
    prefix = settings.CACHES["default"].get("KEY_PREFIX", "")
    yield "a throttle", f"{prefix}:throttle*", _throttle


def _holds_sessions() -> bool:
    """What is a cache alone may lose what it has."""
    return str(settings.SESSION_ENGINE).endswith(("sessions.store", "backends.cache"))


def _session() -> None:
    """As a sign-in does: a nobody's session, then a person's under another key, then its end."""
    store = SessionStore()
    store["doctor"] = "1"
    store.set_expiry(60)
    store.save()
    again = SessionStore(store.session_key)
    again["doctor"] = "2"
    again.save()
    again.cycle_key()
    again[SESSION_KEY] = _NOBODY
    again.save()
    sessions().of(_NOBODY)
    sessions().end_all_of(_NOBODY)
    again.delete()


def _used_state() -> None:
    key = state.used_key(f"doctor {time.time_ns()}")
    cache.add(key, 1, 5)
    cache.get(key)
    cache.delete(key)


def _throttle() -> None:
    who = f"doctor {time.time_ns()}"
    limiter, item = throttle.new_limiter(), throttle.STARTS.item
    limiter.hit(item, "doctor", who)
    limiter.get_window_stats(item, "doctor", who)
    limiter.clear(item, "doctor", who)


def _of_use(what: str, key: str, problem: Exception) -> Observation:
    facts = facts_of(problem, _OF)
    if facts["code"] != "NOPERM":
        return fault("redis.use", what=what, key=key, **facts)
    named = _COMMAND.search(facts["cause"])
    command = named[1].upper() if named else "a command"
    return fault("redis.rights", what=what, key=key, command=command, cause=facts["cause"])


def condition() -> Iterator[Observation]:
    """What INFO tells: role, version, memory, persistence."""
    try:
        info: Mapping[str, Any] = dict(client_of().info())
    except RedisError as problem:
        yield fault("redis.info", cause=facts_of(problem, _OF)["cause"])
        return
    yield from _server(info)
    if _holds_sessions():
        yield from _eviction(info)
        yield from _persistence(info)
    yield from _memory(info)


def _explain(error: Exception) -> Exception:
    pool = pool_of()
    tls = issubclass(pool.connection_class, SSLConnection)
    return of_redis(error, pool.connection_kwargs, tls=tls)


def _round_trip() -> float:
    connected = client_of()
    times = []
    for _ in range(5):
        began = time.perf_counter()
        connected.ping()
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
