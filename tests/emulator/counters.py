"""What reached the emulator: how often, on how many connections, and the last requests in full."""

import threading
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from .wire import Request

KEPT = 500


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """One request. Header names are in lower case."""

    endpoint: str
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: str
    connection: int

    @property
    def fields(self) -> dict[str, str]:
        """What it asked, whether in the query or in a form."""
        return dict(parse_qsl(self.body or self.query, keep_blank_values=True))


class Counters:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbered = 0
        self.reset()

    def reset(self) -> None:
        with self._lock:
            self.connections = 0
            self.counts: Counter[str] = Counter()
            self.recent: deque[ReceivedRequest] = deque(maxlen=KEPT)

    def take(self) -> int:
        """A number that nobody had before."""
        with self._lock:
            self._numbered += 1
            return self._numbered

    def connected(self) -> int:
        """Count a TCP connection and number it."""
        with self._lock:
            self.connections += 1
            self._numbered += 1
            return self._numbered

    def saw(self, endpoint: str, request: Request) -> None:
        seen = ReceivedRequest(
            endpoint,
            request.method,
            request.path,
            request.query,
            request.headers,
            request.body,
            request.connection,
        )
        with self._lock:
            self.counts[endpoint] += 1
            self.recent.append(seen)
