"""An authority's entries in the cache that workers share, sealed.

Whoever can write to the cache can only delete entries. When the cache fails, or an entry was not
sealed by this site, Microsoft is asked; no sign-in fails.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from typing import Any, Final, Protocol

from ..protection.sealed import NotSealed, seal, unseal

_VERSION: Final = 2
log = logging.getLogger(__name__)


class Cache(Protocol):
    """What is used of Django's cache."""

    def get(self, key: str, /) -> Any: ...
    def set(self, key: str, value: Any, /, timeout: int | None = ...) -> Any: ...
    def add(self, key: str, value: Any, /, timeout: int | None = ...) -> Any: ...
    def delete(self, key: str, /) -> Any: ...


class SharedCopy:
    """The cache under the keys of one login URL, tenant and app. Never raises."""

    def __init__(self, cache: Cache | None, *of: str) -> None:
        name = hashlib.sha256("|".join(of).encode()).hexdigest()[:32]
        self._prefix = f"entra:{_VERSION}:{name}"
        self._cache = cache
        self._failing = False

    def get(self, name: str) -> Any:
        """What was set, or None."""
        key = f"{self._prefix}:{name}"
        text = self._tried(lambda cache: cache.get(key))
        if text is None:
            return None
        try:
            return unseal(key, text)
        except NotSealed:
            log.warning("shared cache: an entry that is not ours was dropped (%s)", name)
            self._tried(lambda cache: cache.delete(key))
            return None

    def set(self, name: str, value: Any, timeout: int) -> None:
        key = f"{self._prefix}:{name}"
        text = seal(key, value)
        self._tried(lambda cache: cache.set(key, text, timeout=timeout))

    def add(self, name: str, value: Any, timeout: int) -> bool:
        """Set it unless something is there; whether it was set."""
        key = f"{self._prefix}:{name}"
        text = seal(key, value)
        return bool(self._tried(lambda cache: cache.add(key, text, timeout=timeout)))

    def _tried(self, call: Callable[[Cache], Any]) -> Any:
        """None where the cache fails, which is logged once until it works again."""
        if self._cache is None:
            return None
        try:
            found = call(self._cache)
        except Exception as error:  # whatever a cache back end raises
            if not self._failing:
                self._failing = True
                log.warning("shared cache failed (%s); keys stay in memory", type(error).__name__)
            return None
        self._failing = False
        return found
