"""Login URL + tenant -> discovery document and signing keys, ready when a sign-in needs them.

Memory first, then the cache that workers share, then Microsoft. Ages are counted from the
moment Microsoft answered:
  under 1 hour    used as it is
  under 24 hours  used as it is, and fetched anew in the background
  under 72 hours  Microsoft is asked first; used only while it cannot be reached
A key that is not there is asked for at once, but once in 10 seconds, whoever sends such tokens.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from accounts.entra.discovery import Discovery as Discovery
from accounts.entra.discovery import authority_origin, document_url, read_discovery
from accounts.entra.fetch import fetch, fetch_keys
from accounts.entra.snapshot import Shared, SharedBox, Snapshot, snapshot_from
from accounts.http.client import get_client
from accounts.http.single_flight import SingleFlight
from accounts.http.threads import start_thread
from accounts.reasons import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from accounts.entra.jwks import SigningKey
    from accounts.http.client import HttpClient

HOUR = 3600
REFRESH_AFTER = 1 * HOUR
FRESH_FOR = 24 * HOUR
KEPT_FOR = 72 * HOUR
ASK_EVERY = 10.0  # seconds between fetches for a kid that is not there
RETRY_AFTER_FAILURE = 30.0
LOOK_EVERY = 600.0  # seconds between looks of the background thread
_CLOCKS_APART = 300.0
AWAY = ("microsoft_unreachable", "microsoft_throttled")
log = logging.getLogger(__name__)


class Authority:
    """One a process for each login URL and tenant: see `get_authority`."""

    def __init__(
        self,
        login_url: str,
        tenant: str,
        http: HttpClient,
        shared: Shared | None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._home = authority_origin(login_url)
        self._url, self._tenant = document_url(login_url, tenant), tenant
        self._http = http
        self._shared = SharedBox(shared, login_url, tenant)
        self._clock = clock
        self._held: Snapshot | None = None
        self._failed_at, self._failed_with = -RETRY_AFTER_FAILURE, ""
        self._asked_at = -ASK_EVERY
        self._ask_failed = ""
        self._flight: SingleFlight[Snapshot] = SingleFlight(http.budget)
        self._key_flight: SingleFlight[None] = SingleFlight(http.budget)
        self._background = threading.Lock()

    def discovery(self) -> Discovery:
        return self._snapshot().discovery

    def known(self) -> Discovery | None:
        """The document as far as this process has it: for pages that must not wait."""
        return self._held.discovery if self._held else None

    def key(self, kid: str) -> SigningKey:
        found = self._snapshot().keys.get(kid)
        return self._ask_for(kid) if found is None else found

    def refresh_if_due(self) -> None:
        """Fetch anew, or take what another worker fetched; never raises."""
        if self._age(self._held) < REFRESH_AFTER or self._failed_lately():
            return
        if not self._background.acquire(blocking=False):
            return
        try:
            self._flight.do(self._renewed)
        except Refused as refused:
            log.info("refresh failed: %s %s", refused.reason.code, refused.detail)
        finally:
            self._background.release()

    # --- the document and the keys ----------------------------------------------------------

    def _snapshot(self) -> Snapshot:
        held, age = self._held, self._age(self._held)
        if held is not None and age < REFRESH_AFTER:
            return held
        if held is not None and age < FRESH_FOR:
            self._refresh_soon()
            return held
        if held is not None and age < KEPT_FOR and self._away_lately():
            return held
        return self._wait_for_one()

    def _wait_for_one(self) -> Snapshot:
        with self._http.waiting_room.seat():
            return self._flight.do(self._held_or_renewed)

    def _held_or_renewed(self) -> Snapshot:
        """What an earlier flight, another worker or Microsoft has; else what is kept."""
        self._adopt(self._from_cache())
        if self._held is not None and self._age(self._held) < FRESH_FOR:
            return self._held
        try:
            return self._fetched()
        except Refused as refused:
            is_away = refused.reason.code in AWAY
            if self._held is None or self._age(self._held) >= KEPT_FOR or not is_away:
                raise
            log.warning("keys are old, kept because: %s %s", refused.reason.code, refused.detail)
            return self._held

    def _renewed(self) -> Snapshot:
        self._adopt(self._from_cache())
        if self._held is not None and self._age(self._held) < REFRESH_AFTER:
            return self._held
        return self._fetched()

    def _fetched(self) -> Snapshot:
        deadline = time.monotonic() + self._http.budget
        try:
            document = fetch(self._http, self._url, deadline)
            discovery = read_discovery(document, self._home, self._tenant)
            keys = fetch_keys(self._http, discovery, deadline)
        except Refused as refused:
            self._failed_at, self._failed_with = self._clock(), refused.reason.code
            raise
        return self._keep(Snapshot(discovery, keys, self._clock()))

    # --- a key that is not there ------------------------------------------------------------

    def _ask_for(self, kid: str) -> SigningKey:
        if not self._asked_lately():
            with self._http.waiting_room.seat():
                self._key_flight.do(lambda: self._look_for(kid))
        found = self._held.keys.get(kid) if self._held else None
        if found is None and self._ask_failed:
            raise Refused("microsoft_unreachable", f"keys: {self._ask_failed}")
        if found is None:
            raise Refused("token_invalid", "kid: not among Microsoft's keys")
        return found

    def _look_for(self, kid: str) -> None:
        self._adopt(self._from_cache())
        held = self._held
        if held is None or kid in held.keys or self._asked_lately() or self._others_asked():
            return
        self._asked_at, self._ask_failed = self._clock(), ""
        self._shared.set("asked", self._asked_at, int(ASK_EVERY))
        try:
            deadline = time.monotonic() + self._http.budget
            keys = fetch_keys(self._http, held.discovery, deadline)
        except Refused as refused:
            self._ask_failed = refused.detail or refused.reason.code
            raise
        self._keep(replace(held, keys=keys))

    def _asked_lately(self) -> bool:
        return 0 <= self._clock() - self._asked_at < ASK_EVERY

    def _others_asked(self) -> bool:
        at = self._shared.get("asked")
        return isinstance(at, int | float) and 0 <= self._clock() - at < ASK_EVERY

    # --- keeping ----------------------------------------------------------------------------

    def _keep(self, snapshot: Snapshot) -> Snapshot:
        self._held = snapshot
        self._shared.set("snapshot", snapshot.to_json(), KEPT_FOR)
        return snapshot

    def _from_cache(self) -> Snapshot | None:
        return snapshot_from(self._shared.get("snapshot"), self._home)

    def _adopt(self, other: Snapshot | None) -> None:
        if other is not None and other.keys and self._age(other) <= self._age(self._held):
            self._held = other

    def _age(self, snapshot: Snapshot | None) -> float:
        """Seconds since Microsoft gave it; beyond use for none, or one from the future."""
        age = self._clock() - snapshot.fetched_at if snapshot else KEPT_FOR
        return KEPT_FOR if age < -_CLOCKS_APART else age

    def _failed_lately(self) -> bool:
        return 0 <= self._clock() - self._failed_at < RETRY_AFTER_FAILURE

    def _away_lately(self) -> bool:
        return self._failed_lately() and self._failed_with in AWAY

    def _refresh_soon(self) -> None:
        if not self._background.locked() and not self._failed_lately():
            start_thread(_in_background, self)


def _in_background(authority: Authority) -> None:
    from django.db import connections

    try:
        authority.refresh_if_due()
    except Exception:  # a thread of its own: the log is the only place to say so
        log.exception("refresh failed")
    finally:
        connections.close_all()  # Without Redis the shared cache is a database table.


def _keep_fresh(authority: Authority) -> None:
    while True:
        time.sleep(LOOK_EVERY)
        _in_background(authority)


_authorities: dict[tuple[int, str, str], Authority] = {}


def get_authority(login_url: str, tenant: str) -> Authority:
    """This process's authority; a daemon thread keeps it fresh even when nobody signs in."""
    name = (os.getpid(), login_url, tenant)
    found = _authorities.get(name)
    return _made(name) if found is None else found


def _made(name: tuple[int, str, str]) -> Authority:
    from django.core.cache import cache

    made = Authority(name[1], name[2], get_client(), cache)
    kept = _authorities.setdefault(name, made)
    if kept is made:
        start_thread(_keep_fresh, kept)
    return kept
