"""Limits on attempts, shared by all instances through Redis; `limits` does the counting.

Attempts count by the network of the address that ProxyMiddleware has set, not by account; those
with the password form count by user name as well. A successful callback does not count.

Whoever can write to Redis can stop the counting, but not keep anybody out.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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

_MOST_OWED: Final = 10_000  # networks with a success to be taken off


@dataclass(frozen=True, slots=True)
class Limit:
    """So many attempts of one kind, by one network, person or name."""

    item: RateLimitItem
    purpose: str

    def count(self, who: str, cost: int = 1) -> None:
        """Count an attempt; raises Refused(too_many_attempts) with Retry-After over the limit."""
        if self.hit(who, cost):
            return
        left = self._seconds_left(who)
        if 0 < left <= self.item.get_expiry() + 1:
            detail = f"throttle: {self.purpose}, {self.item}"
            raise Refused("too_many_attempts", detail, retry_after=max(1, round(left)))
        # This site sets no such expiry: the entry is someone else's, and is ignored.
        self.forget(who)
        self.hit(who, cost)

    def hit(self, who: str, cost: int = 1) -> bool:
        """Count an attempt; whether it is within the limit."""
        try:
            return _limiter().hit(self.item, self.purpose, _hidden(who), cost=cost)
        except ResponseError as error:
            if type(error) is not ResponseError:
                raise  # no right, read-only, out of memory: an outage
        # A value of another type is there, which this site did not write.
        self.forget(who)
        return _limiter().hit(self.item, self.purpose, _hidden(who), cost=cost)

    def forget(self, who: str) -> None:
        """Start counting afresh, after a success."""
        _limiter().clear(self.item, self.purpose, _hidden(who))

    def _seconds_left(self, who: str) -> float:
        ends = _limiter().get_window_stats(self.item, self.purpose, _hidden(who)).reset_time
        return ends - time.time()


# Hundreds of people may sign in behind one address at nine; a flood is far above that.
STARTS: Final = Limit(RateLimitItemPerMinute(600), "start")
FAILED_CALLBACKS: Final = Limit(RateLimitItemPerMinute(300), "callback")
REFUSED_FORMS: Final = Limit(RateLimitItemPerMinute(300), "form")
WRONG_ORIGINS: Final = Limit(RateLimitItemPerMinute(300), "origin")
FAILED_REDEMPTIONS: Final = Limit(RateLimitItemPerMinute(300), "redeem")  # codes refused
REFUSALS_OF_ONE_IDENTITY: Final = Limit(RateLimitItemPerMinute(60), "identity")
PASSWORDS_OF_ONE_ADDRESS: Final = Limit(RateLimitItemPerMinute(30, 5), "password-address")
PASSWORDS_OF_ONE_NAME: Final = Limit(RateLimitItemPerMinute(10, 5), "password-name")
BREAK_GLASS: Final = Limit(RateLimitItemPerMinute(10), "break-glass")
FRONT_CHANNEL: Final = Limit(RateLimitItemPerMinute(600), "front-channel")
# Of throttled attempts, the first of each minute is worth a row in the record.
THROTTLED_ROWS: Final = Limit(RateLimitItemPerSecond(1, 60), "row")
ROWS_OF_OUTSIDERS: Final = RateLimitItemPerMinute(1000, 10)  # of all together


def rows_over_cap() -> tuple[int, int]:
    """Count a row that an outsider causes: how many are over the cap, and in which window.

    0 while it may be kept.
    """
    window = int(time.time() // ROWS_OF_OUTSIDERS.get_expiry())
    key = ROWS_OF_OUTSIDERS.key_for("rows", _hidden(str(window)))
    number = _limiter().storage.incr(key, ROWS_OF_OUTSIDERS.get_expiry())
    return max(0, number - ROWS_OF_OUTSIDERS.amount), window


class CountedBefore:
    """Attempts counted as failures before they are made, so that no more get through at once.

    A success is taken off with the next count, at no cost of its own.
    """

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._owed: Counter[str] = Counter()

    @contextmanager
    def attempt(self, who: str, is_failure: Callable[[Exception], bool]) -> Iterator[None]:
        """Raises Refused(too_many_attempts) over the limit, and whatever the attempt raises."""
        self._limit.count(who, cost=1 - self._taken_back(who))
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


REDEMPTIONS: Final = CountedBefore(FAILED_REDEMPTIONS)


def _hidden(who: str) -> str:
    """A keyed hash: nobody else can read the name, or make an entry for it."""
    name = who.lower().encode(errors="replace")
    return salted_hmac(__name__, name, algorithm="sha256").hexdigest()[:32]


def new_limiter() -> FixedWindowRateLimiter:
    """The counter, by the present settings."""
    return FixedWindowRateLimiter(_storage())


_limiter = once(new_limiter)


def _storage() -> Storage:
    if not is_redis(settings.CACHES["default"]):
        return MemoryStorage()  # each process counts by itself, which checks and doctor report
    prefix = settings.CACHES["default"].get("KEY_PREFIX", "")  # two sites may share one Redis
    return _Shared("redis://", key_prefix=f"{prefix}:throttle")


class _Shared(RedisStorage):
    """On the cache's own client, which handles Sentinels, clusters and fail-overs."""

    @override
    def get_connection(self, readonly: bool = False) -> Any:
        return client_of()
