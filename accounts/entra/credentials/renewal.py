"""A proof that is made before it is needed, and renewed in the background at half its life.

While renewals fail, the old one is used until it expires. Only a request that finds none waits, and
only for PATIENCE.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

from django.views.decorators.debug import sensitive_variables

from ...reasons import Refused
from .proof import PATIENCE

RETRY_AFTER: Final = 30.0  # seconds after a renewal that failed, or gave the same proof
THREAD: Final = "renewal of a proof"
_BEFORE_END: Final = 10.0  # seconds, so that it is still valid at Microsoft
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, repr=False)
class Dated:
    """A proof and its life, in seconds since the epoch; no repr, since it is secret."""

    text: str
    made_at: float
    expires_at: float


class NoProofInTime(Refused):
    """It is still being made."""


class Renewed:
    """The proof that `make` gives; `make` raises Refused when it has none."""

    def __init__(
        self, make: Callable[[], Dated], *, clock: Callable[[], float] = time.time
    ) -> None:
        self._make = make
        self._clock = clock
        self._lock = threading.Lock()
        self._held: Dated | None = None
        self._flight: Future[Dated] | None = None
        self._tried_at = -RETRY_AFTER

    @sensitive_variables()
    def get(self, patience: float = PATIENCE) -> str:
        """The proof. Raises what `make` raised, or NoProofInTime.

        Waits for at most `patience` seconds, and never more than PATIENCE.
        """
        held = self._held
        if held is not None and self._clock() < held.expires_at - _BEFORE_END:
            self.renew_if_due()
            return held.text
        patience = min(patience, PATIENCE)
        try:
            return self._renewal().result(patience).text
        except TimeoutError:
            raise NoProofInTime(
                "credential_unavailable", f"no proof within {patience:g} s"
            ) from None

    def renew_if_due(self) -> None:
        """Start a renewal when half of the life is over; returns at once."""
        held, now = self._held, self._clock()
        if held is not None and now < (held.made_at + held.expires_at) / 2:
            return
        if not 0 <= now - self._tried_at < RETRY_AFTER:
            self._renewal()

    def forget(self) -> None:
        """Do not use the present proof again."""
        self._held = None

    def _renewal(self) -> Future[Dated]:
        """The renewal under way, or a new one."""
        with self._lock:
            if self._flight is not None and not self._flight.done():
                return self._flight
            flight = self._flight = Future[Dated]()
            self._tried_at = self._clock()
        try:
            threading.Thread(target=self._renew, args=(flight,), daemon=True, name=THREAD).start()
        except RuntimeError:  # at exit, or at the limit of threads
            flight.set_exception(Refused("credential_unavailable", "no thread to make it"))
        return flight

    @sensitive_variables()
    def _renew(self, flight: Future[Dated]) -> None:
        try:
            made = self._make()
        except Refused as refused:
            log.warning("no new proof for Microsoft: %s", refused.detail)
            flight.set_exception(refused)
        except Exception as problem:
            log.warning("no new proof for Microsoft: %s", type(problem).__name__)
            unavailable = Refused("credential_unavailable", type(problem).__name__)
            flight.set_exception(unavailable)
        else:
            self._held = made
            flight.set_result(made)
