"""Microsoft's answer to one request: read within bounds, taken only in the form that is meant.

Whatever else comes is a `Refused` whose detail holds nothing that Microsoft or we sent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from urllib3.exceptions import (
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    SSLError,
    TimeoutError,
)

from accounts.http.strict_json import NotStrict, loads_object
from accounts.reasons import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from urllib3.response import BaseHTTPResponse

    from accounts.http.deadline import Guard

MAX_BODY = 1024 * 1024
_KEPT_HEADERS = ("Retry-After", "Date", "Cache-Control")
_RETRY_AFTER = range(1, 3601)


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON answer with a status below 500 that is neither a redirect nor a 429."""

    status: int
    body: dict[str, Any] = field(repr=False)
    headers: Mapping[str, str]
    elapsed_ms: int


def read_body(response: BaseHTTPResponse) -> bytes:
    """The body, at most one byte more than MAX_BODY of it; the connection is free again."""
    body = response.read(MAX_BODY + 1)
    # Only a read at the end tells a body that broke off from one that is complete.
    if len(body) > MAX_BODY or response.read(1):
        response.close()
    else:
        response.release_conn()
    return body


def answer_of(status: int, headers: Mapping[str, str], body: bytes, elapsed_ms: int) -> Answer:
    """The answer, or the refusal that its form means; the status is below 500."""
    if status == 429:
        raise Refused("microsoft_throttled", "HTTP 429", retry_after=_retry_after(headers))
    if status // 100 not in (2, 4):
        raise unreachable(f"HTTP {status}, not followed")
    if len(body) > MAX_BODY:
        raise unreachable(f"HTTP {status} with more than {MAX_BODY} bytes")
    if headers.get("Content-Encoding", "identity").lower() != "identity":
        raise unreachable(f"HTTP {status} in an encoding that was not asked for")
    kept = {name: headers[name] for name in _KEPT_HEADERS if name in headers}
    return Answer(status, _json(status, body), kept, elapsed_ms)


def _json(status: int, body: bytes) -> dict[str, Any]:
    try:
        return loads_object(body)
    except NotStrict as error:
        raise unreachable(f"HTTP {status} with a body that is {error}") from None


def _retry_after(headers: Mapping[str, str]) -> int:
    text = headers.get("Retry-After", "")
    seconds = int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 60
    return min(max(seconds, _RETRY_AFTER[0]), _RETRY_AFTER[-1])


def unreachable(detail: str) -> Refused:
    return Refused("microsoft_unreachable", detail)


def cause_of(error: Exception, guard: Guard, seconds: float) -> str:
    """In our words: urllib3's own may quote the other side."""
    if guard.expired:
        return f"no complete answer within {seconds:.0f} s"
    if isinstance(error, SSLError):
        return "TLS failed: certificate or protocol not accepted"
    if isinstance(error, NameResolutionError | NewConnectionError):
        return "no connection: host name, firewall or port"
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, HTTPError | OSError):
        return "the connection broke off"
    return f"not an answer ({type(error).__name__})"
