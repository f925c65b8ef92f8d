"""Many threads want the same fetch: one makes it, the others share its outcome."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as WaitedTooLong
from typing import TYPE_CHECKING, Generic, TypeVar

from accounts.reasons import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class SingleFlight(Generic[T]):
    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._lock = threading.Lock()
        self._flight: Future[T] | None = None

    def do(self, work: Callable[[], T]) -> T:
        with self._lock:
            flight, mine = self._flight, self._flight is None
            if flight is None:
                self._flight = flight = Future()
        return self._lead(flight, work) if mine else self._follow(flight)

    def _lead(self, flight: Future[T], work: Callable[[], T]) -> T:
        try:
            result = work()
        except BaseException as error:
            self._land()
            flight.set_exception(error)
            raise
        self._land()
        flight.set_result(result)
        return result

    def _land(self) -> None:
        with self._lock:
            self._flight = None

    def _follow(self, flight: Future[T]) -> T:
        try:
            return flight.result(self._patience)
        except Refused as error:
            raise Refused(
                error.reason.code,
                error.detail,
                aadsts=error.aadsts,
                retry_after=error.retry_after,
            ) from None
        except WaitedTooLong:
            raise Refused("microsoft_unreachable", "another request did not come back") from None
