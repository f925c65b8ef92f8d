"""Limits on attempts, shared by all instances through Redis; `limits` does the counting.

Staff cannot be locked out of Microsoft sign-in: a callback that ends well is never throttled, and
no attempt counts against a person's account. (The password form is throttled by name as well.)
Only the connection's own address counts, as ProxyMiddleware has established it, never one that
the client claims.
"""

from __future__ import annotations

import hashlib
import time
from functools import cache as once
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from limits import RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.storage import MemoryStorage, RedisStorage, Storage
from limits.strategies import FixedWindowRateLimiter
from typing_extensions import override

from accounts.reasons import Refused

if TYPE_CHECKING:
    from limits import RateLimitItem

# An office of hundreds behind one address signs in at nine; a flood is far above that.
STARTS: Final = RateLimitItemPerMinute(600)
FAILED_CALLBACKS: Final = RateLimitItemPerMinute(300)
REFUSALS_OF_ONE_IDENTITY: Final = RateLimitItemPerMinute(60)
PASSWORDS_OF_ONE_ADDRESS: Final = RateLimitItemPerMinute(30, 5)
PASSWORDS_OF_ONE_NAME: Final = RateLimitItemPerMinute(10, 5)
BREAK_GLASS: Final = RateLimitItemPerMinute(10)
FRONT_CHANNEL: Final = RateLimitItemPerMinute(600)
_ROWS: Final = RateLimitItemPerSecond(1, 60)  # one record a minute for each flood


def count(limit: RateLimitItem, purpose: str, who: str) -> None:
    """Count an attempt; raises Refused(too_many_attempts) with Retry-After over the limit."""
    if not _limiter().hit(limit, purpose, _hidden(who)):
        raise _too_many(limit, purpose, who)


def forget(limit: RateLimitItem, purpose: str, who: str) -> None:
    """Start counting afresh, after a success."""
    _limiter().clear(limit, purpose, _hidden(who))


def worth_a_row(who: str) -> bool:
    """Whether a throttled attempt should be recorded: the first of each minute is."""
    return _limiter().hit(_ROWS, "row", _hidden(who))


def _too_many(limit: RateLimitItem, purpose: str, who: str) -> Refused:
    ends = _limiter().get_window_stats(limit, purpose, _hidden(who)).reset_time
    wait = max(1, round(ends - time.time()))
    return Refused("too_many_attempts", f"throttle: {purpose}, {limit}", retry_after=wait)


def _hidden(who: str) -> str:
    return hashlib.sha256(who.lower().encode(errors="replace")).hexdigest()[:32]


@once
def _limiter() -> FixedWindowRateLimiter:
    return FixedWindowRateLimiter(_storage())


def _storage() -> Storage:
    if not settings.CACHES["default"]["BACKEND"].startswith("django_redis."):
        return MemoryStorage()  # no crash where CACHES is mistaken: checks and doctor tell of it
    prefix = settings.CACHES["default"].get("KEY_PREFIX", "")  # two sites may share one Redis
    return _Shared("redis://", key_prefix=f"{prefix}:throttle")


class _Shared(RedisStorage):
    """Through the cache's own client, which knows of Sentinels, clusters and fail-overs."""

    @override
    def get_connection(self, readonly: bool = False) -> Any:
        from django_redis import get_redis_connection

        return get_redis_connection("default")
