"""Limits on attempts, shared by all instances through Redis; `limits` does the counting.

No attempt counts against a person's account, and a callback that ends well counts against nobody.
(The password form is throttled by name as well.) Only the network of the connection's own address
counts, as ProxyMiddleware has established it, never one that the client claims.

Whoever can write to Redis can stop the counting, but keeps nobody out once they stop writing.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache as once
from typing import Any, Final

from django.conf import settings
from django.utils.crypto import salted_hmac
from limits import RateLimitItem, RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.storage import MemoryStorage, RedisStorage, Storage
from limits.strategies import FixedWindowRateLimiter
from redis.exceptions import ResponseError
from typing_extensions import override

from ..reasons import Refused
from ..stores.redis_cache import client_of, is_redis

# An office of hundreds behind one address signs in at nine; a flood is far above that.
STARTS: Final = RateLimitItemPerMinute(600)
FAILED_CALLBACKS: Final = RateLimitItemPerMinute(300)
FAILED_REDEMPTIONS: Final = RateLimitItemPerMinute(300)  # codes that Microsoft did not take
REFUSALS_OF_ONE_IDENTITY: Final = RateLimitItemPerMinute(60)
PASSWORDS_OF_ONE_ADDRESS: Final = RateLimitItemPerMinute(30, 5)
PASSWORDS_OF_ONE_NAME: Final = RateLimitItemPerMinute(10, 5)
BREAK_GLASS: Final = RateLimitItemPerMinute(10)
FRONT_CHANNEL: Final = RateLimitItemPerMinute(600)
ROWS_OF_OUTSIDERS: Final = RateLimitItemPerMinute(1000, 10)  # of all together
_MOST_OWED: Final = 10_000  # networks that a process remembers a success of
_ROWS: Final = RateLimitItemPerSecond(1, 60)  # one record a minute for each flood


def count(limit: RateLimitItem, purpose: str, who: str, cost: int = 1) -> None:
    """Count an attempt; raises Refused(too_many_attempts) with Retry-After over the limit."""
    if _hit(limit, purpose, who, cost):
        return
    left = _seconds_left(limit, purpose, who)
    if 0 < left <= limit.get_expiry() + 1:
        detail = f"throttle: {purpose}, {limit}"
        raise Refused("too_many_attempts", detail, retry_after=max(1, round(left)))
    # Its window is over, or never would be: we set no such entry, so it counts for nothing.
    forget(limit, purpose, who)
    _hit(limit, purpose, who, cost)


def forget(limit: RateLimitItem, purpose: str, who: str) -> None:
    """Start counting afresh, after a success."""
    _limiter().clear(limit, purpose, _hidden(who))


def worth_a_row(who: str) -> bool:
    """Whether a throttled attempt should be recorded: the first of each minute is."""
    return _hit(_ROWS, "row", who)


def rows_over_cap() -> tuple[int, int]:
    """Count a row that an outsider causes: how many are over the cap, and in which window.

    0 while it may be kept.
    """
    window = int(time.time() // ROWS_OF_OUTSIDERS.get_expiry())
    key = ROWS_OF_OUTSIDERS.key_for("rows", _hidden(str(window)))
    number = _limiter().storage.incr(key, ROWS_OF_OUTSIDERS.get_expiry())
    return max(0, number - ROWS_OF_OUTSIDERS.amount), window


class CountedBefore:
    """Failures that are counted before it is known that they are: so no more get through.

    What ends well is given back with the next count, at no cost of its own.
    """

    def __init__(self, limit: RateLimitItem, purpose: str) -> None:
        self._limit, self._purpose = limit, purpose
        self._lock = threading.Lock()
        self._owed: Counter[str] = Counter()

    @contextmanager
    def attempt(self, who: str, is_failure: Callable[[Exception], bool]) -> Iterator[None]:
        """Raises Refused(too_many_attempts) over the limit, and whatever the attempt raises."""
        count(self._limit, self._purpose, who, cost=1 - self._taken_back(who))
        try:
            yield
        except Exception as error:
            if not is_failure(error):
                self._give_back(who)
            raise
        self._give_back(who)

    def _give_back(self, who: str) -> None:
        with self._lock:
            if len(self._owed) < _MOST_OWED:
                self._owed[who] += 1

    def _taken_back(self, who: str) -> int:
        with self._lock:
            return self._owed.pop(who, 0)


REDEMPTIONS: Final = CountedBefore(FAILED_REDEMPTIONS, "redeem")


def _hit(limit: RateLimitItem, purpose: str, who: str, cost: int = 1) -> bool:
    try:
        return _limiter().hit(limit, purpose, _hidden(who), cost=cost)
    except ResponseError as error:
        if type(error) is not ResponseError:
            raise  # no right, read-only, out of memory: an outage
    # Another type of value stands there, which is none of ours.
    forget(limit, purpose, who)
    return _limiter().hit(limit, purpose, _hidden(who), cost=cost)


def _seconds_left(limit: RateLimitItem, purpose: str, who: str) -> float:
    ends = _limiter().get_window_stats(limit, purpose, _hidden(who)).reset_time
    return ends - time.time()


def _hidden(who: str) -> str:
    """Nobody else can tell the name, or make an entry for it beforehand."""
    name = who.lower().encode(errors="replace")
    return salted_hmac(__name__, name, algorithm="sha256").hexdigest()[:32]


def new_limiter() -> FixedWindowRateLimiter:
    """What counts, by the settings of now."""
    return FixedWindowRateLimiter(_storage())


_limiter = once(new_limiter)


def _storage() -> Storage:
    if not is_redis(settings.CACHES["default"]):
        return MemoryStorage()  # each process counts by itself: checks and doctor tell of it
    prefix = settings.CACHES["default"].get("KEY_PREFIX", "")  # two sites may share one Redis
    return _Shared("redis://", key_prefix=f"{prefix}:throttle")


class _Shared(RedisStorage):
    """Through the cache's own client, which knows of Sentinels, clusters and fail-overs."""

    @override
    def get_connection(self, readonly: bool = False) -> Any:
        return client_of()
