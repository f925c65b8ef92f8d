"""What is known of an authority at a moment, and its copy in the cache that workers share.

The copy is JSON-able and read back with the same checks as Microsoft's own answers. A shared
cache that fails costs a request to Microsoft, never a sign-in.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol

from accounts.entra.discovery import Discovery, read_discovery
from accounts.entra.jwks import SigningKey, read_keys
from accounts.reasons import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from accounts.http.origins import Origin

VERSION = 1
log = logging.getLogger(__name__)


class Shared(Protocol):
    """Django's cache fits."""

    def get(self, key: str, /) -> Any: ...
    def set(self, key: str, value: Any, /, timeout: int | None = ...) -> Any: ...


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`fetched_at`: when Microsoft gave the older part of it."""

    discovery: Discovery
    keys: Mapping[str, SigningKey]
    fetched_at: float

    def to_json(self) -> dict[str, Any]:
        return {
            "version": VERSION,
            "fetched_at": self.fetched_at,
            "discovery": asdict(self.discovery),
            "keys": [dict(key.entry) for key in self.keys.values()],
        }


def snapshot_from(value: object, home: Origin) -> Snapshot | None:
    """None for anything but what `to_json` makes."""
    if not isinstance(value, dict) or value.get("version") != VERSION:
        return None
    document, at = value.get("discovery"), value.get("fetched_at")
    if not isinstance(document, dict) or not isinstance(at, int | float):
        return None
    try:
        return Snapshot(read_discovery(document, home), read_keys(value), float(at))
    except (Refused, OverflowError):
        return None


class SharedBox:
    """The shared cache under one authority's keys, with its failures swallowed and told once."""

    def __init__(self, shared: Shared | None, login_url: str, tenant: str) -> None:
        name = hashlib.sha256(f"{login_url}|{tenant}".encode()).hexdigest()[:32]
        self._prefix = f"entra:{VERSION}:{name}"
        self._shared = shared
        self._failing = False

    def get(self, name: str) -> Any:
        if self._shared is None:
            return None
        try:
            value = self._shared.get(f"{self._prefix}:{name}")
        except Exception as error:  # whatever a cache back end raises
            self._failed(error)
            return None
        self._failing = False
        return value

    def set(self, name: str, value: Any, timeout: int) -> None:
        if self._shared is None:
            return
        try:
            self._shared.set(f"{self._prefix}:{name}", value, timeout=timeout)
        except Exception as error:  # whatever a cache back end raises
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        if not self._failing:
            self._failing = True
            log.warning("shared cache failed (%s); keys stay in memory", type(error).__name__)
