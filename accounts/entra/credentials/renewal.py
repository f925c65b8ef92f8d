"""A proof that is made before it is needed, and renewed in the background at half its life.

While renewals fail, the old one is used until it expires. Only a request that finds none waits, and
only for PATIENCE.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.views.decorators.debug import sensitive_variables

from ...http.deadline import SingleFlight, TimeUp
from ...reasons import Refused
from .proof import PATIENCE

RETRY_AFTER: Final = 30.0  # seconds after a renewal that failed, or gave the same proof
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
        self._held: Dated | None = None
        self._renewal = SingleFlight(self._renew)
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
            return self._renewal.result(patience).text
        except TimeUp:
            raise NoProofInTime(
                "credential_unavailable", f"no proof within {patience:g} s"
            ) from None

    def renew_if_due(self) -> None:
        """Start a renewal when half of the life is over; returns at once."""
        held, now = self._held, self._clock()
        if held is not None and now < (held.made_at + held.expires_at) / 2:
            return
        if not 0 <= now - self._tried_at < RETRY_AFTER:
            self._renewal.start()

    def forget(self) -> None:
        """Do not use the present proof again."""
        self._held = None

    @sensitive_variables()
    def _renew(self) -> Dated:
        self._tried_at = self._clock()
        try:
            self._held = made = self._make()
        except Refused as refused:
            log.warning("no new proof for Microsoft: %s", refused.detail)
            raise
        except Exception as problem:
            log.warning("no new proof for Microsoft: %s", type(problem).__name__)
            raise Refused("credential_unavailable", type(problem).__name__) from None
        return made
