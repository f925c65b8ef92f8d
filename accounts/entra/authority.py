"""Login URL + tenant + app -> discovery document and signing keys, ready when a sign-in needs them.

Memory first, then the cache that workers share, then Microsoft. By the time since Microsoft
answered, metadata is
  under 1 hour    used as it is
  under 24 hours  used as it is, and fetched anew in the background
  under 72 hours  Microsoft is asked first; used only while it cannot be reached
An unknown key is asked for at once, but by all together only once in 10 seconds.

Microsoft is asked in helper threads, once for all who are waiting; each waits until the deadline of
their own request.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeVar

from django.core.cache import cache
from django.db import connections

from ..http.causes import AnotherFailed
from ..http.client import SECONDS, HttpClient, get_client
from ..http.deadline import Deadline, SingleFlight, TimeUp
from ..reasons import Refused
from .jwks import SigningKey
from .metadata import (
    Discovery,
    Metadata,
    NoUsableKeys,
    authority_origin,
    document_url,
    fetch,
    fetch_keys,
    metadata_from,
    read_discovery,
)
from .shared_copy import Cache, SharedCopy

T = TypeVar("T")

HOUR: Final = 3600
REFRESH_AFTER: Final = 1 * HOUR
FRESH_FOR: Final = 24 * HOUR
KEPT_FOR: Final = 72 * HOUR
ASK_EVERY: Final = 10.0  # seconds between fetches for an unknown kid
RETRY_AFTER_FAILURE: Final = 30.0
_UNAVAILABLE: Final = ("microsoft_unreachable", "microsoft_throttled")
# Less than a request waits, so that it learns the cause instead of its own time-out.
_FLIGHT_SECONDS: Final = SECONDS - 0.5
_CLOCK_SKEW: Final = 300.0  # seconds, between instances
log = logging.getLogger(__name__)


class Authority:
    """One for each login URL, tenant and app in a process: see `get_authority`."""

    def __init__(
        self,
        login_url: str,
        tenant: str,
        client_id: str,
        http: HttpClient,
        cache: Cache | None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._home = authority_origin(login_url)
        self._url, self._tenant = document_url(login_url, tenant, client_id), tenant
        self._http = http
        self._shared = SharedCopy(cache, login_url, tenant, client_id)
        self._clock = clock
        self._held: Metadata | None = None
        self._failed_at, self._failure_may_pass = -RETRY_AFTER_FAILURE, False
        self._asked_at = -ASK_EVERY
        self._ask_failed = ""
        self._load = SingleFlight(_in_helper(self._fresh_or_kept))
        self._renewal = SingleFlight(_in_helper(self._renewed))
        self._key_search = SingleFlight(_in_helper(self._fetch_new_keys))

    def discovery(self, deadline: Deadline) -> Discovery:
        """The document. Raises Refused."""
        return self._metadata(deadline).discovery

    def known(self) -> Discovery | None:
        """The document in this process's memory, for pages that must not wait."""
        return self._held.discovery if self._held else None

    def key(self, kid: str, deadline: Deadline) -> SigningKey:
        """The key of that name. Raises Refused."""
        found = self._metadata(deadline).keys.get(kid)
        return self._look_for(kid, deadline) if found is None else found

    # --- the document and the keys ----------------------------------------------------------

    def _metadata(self, deadline: Deadline) -> Metadata:
        held, age = self._held, self._age(self._held)
        if held is not None and age < FRESH_FOR:
            if age >= REFRESH_AFTER and not self._failed_lately():
                self._renewal.start()
            return held
        if held is not None and age < KEPT_FOR and self._unavailable_lately():
            return held
        return self._waited_for(self._load, deadline)

    def _fresh_or_kept(self) -> Metadata:
        """From another worker or from Microsoft; else what this process has."""
        self._adopt_shared()
        if self._held is not None and self._age(self._held) < FRESH_FOR:
            return self._held
        try:
            return self._fetched()
        except Refused as refused:
            if self._held is None or self._age(self._held) >= KEPT_FOR or not _may_pass(refused):
                raise
            log.warning("keys are old, kept because: %s %s", refused.reason.code, refused.detail)
            return self._held

    def _renewed(self) -> None:
        """Take the metadata that another worker fetched, or fetch it."""
        self._adopt_shared()
        if self._age(self._held) < REFRESH_AFTER:
            return
        try:
            self._fetched()
        except Refused as refused:
            log.info("refresh failed: %s %s", refused.reason.code, refused.detail)

    def _fetched(self) -> Metadata:
        deadline = Deadline(_FLIGHT_SECONDS, None)
        try:
            document = fetch(self._http, self._url, deadline)
            discovery = read_discovery(document, self._home, self._tenant)
            keys = fetch_keys(self._http, discovery, deadline)
        except Refused as refused:
            self._failed_at, self._failure_may_pass = self._clock(), _may_pass(refused)
            raise
        return self._keep(Metadata(discovery, keys, self._clock()))

    # --- an unknown key ------------------------------------------------------------

    def _look_for(self, kid: str, deadline: Deadline) -> SigningKey:
        if not self._asked_lately():
            self._adopt_shared()
            if self._held is None or kid not in self._held.keys:
                self._waited_for(self._key_search, deadline)
        found = self._held.keys.get(kid) if self._held else None
        if found is None and self._ask_failed:
            raise Refused("microsoft_unreachable", f"keys: {self._ask_failed}")
        if found is None:
            raise Refused(
                "token_invalid",
                "kid: not among the keys that Microsoft lists for this app (asked with appid);"
                " does it have a custom signing key (claims mapping)?",
            )
        return found

    def _fetch_new_keys(self) -> None:
        held = self._held
        if held is None or self._asked_lately() or self._others_asked():
            return
        self._asked_at, self._ask_failed = self._clock(), ""
        if not self._shared.add("asked", self._asked_at, int(ASK_EVERY)):
            if self._others_asked():
                return  # at the same moment
            self._shared.set("asked", self._asked_at, int(ASK_EVERY))
        try:
            keys = fetch_keys(self._http, held.discovery, Deadline(_FLIGHT_SECONDS, None))
        except Refused as refused:
            self._ask_failed = refused.detail or refused.reason.code
            raise
        self._keep(replace(held, keys=keys))

    def _asked_lately(self) -> bool:
        return 0 <= self._clock() - self._asked_at < ASK_EVERY

    def _others_asked(self) -> bool:
        at = self._shared.get("asked")
        return isinstance(at, int | float) and 0 <= self._clock() - at < ASK_EVERY

    # --- storing ----------------------------------------------------------------------------

    def _waited_for(self, flight: SingleFlight[T], deadline: Deadline) -> T:
        with self._http.bulkhead.slot(deadline):
            try:
                return flight.result(deadline.left())
            except TimeUp:
                raise AnotherFailed from None

    def _keep(self, metadata: Metadata) -> Metadata:
        self._held = metadata
        self._shared.set("metadata", metadata.to_json(), KEPT_FOR)
        return metadata

    def _adopt_shared(self) -> None:
        found = metadata_from(self._shared.get("metadata"), self._home, self._tenant)
        if found is not None and found.keys and self._age(found) <= self._age(self._held):
            self._held = found

    def _age(self, metadata: Metadata | None) -> float:
        """Seconds since Microsoft answered; KEPT_FOR for None, and for a time in the future."""
        age = self._clock() - metadata.fetched_at if metadata else KEPT_FOR
        return KEPT_FOR if age < -_CLOCK_SKEW else age

    def _failed_lately(self) -> bool:
        return 0 <= self._clock() - self._failed_at < RETRY_AFTER_FAILURE

    def _unavailable_lately(self) -> bool:
        return self._failed_lately() and self._failure_may_pass


def _may_pass(refused: Refused) -> bool:
    """Whether the last good keys stay in use: Microsoft fails, and not our request."""
    return refused.reason.code in _UNAVAILABLE or isinstance(refused, NoUsableKeys)


def _in_helper(work: Callable[[], T]) -> Callable[[], T]:
    """Closes the thread's connections: without Redis the shared cache is a database table."""

    def run() -> T:
        try:
            return work()
        finally:
            connections.close_all()

    return run


_authorities: dict[tuple[int, str, str, str], Authority] = {}


def get_authority(login_url: str, tenant: str, client_id: str) -> Authority:
    """This process's authority."""
    name = (os.getpid(), login_url, tenant, client_id)
    found = _authorities.get(name)
    if found is None:
        made = Authority(login_url, tenant, client_id, get_client(), cache)
        found = _authorities.setdefault(name, made)
    return found
