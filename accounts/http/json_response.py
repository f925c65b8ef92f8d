"""The other side's answer, taken only in the form that is meant: one JSON object."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Final

from . import causes
from .connection import MAX_BODY, Response
from .strict_json import NotStrict, loads_object

_HEADERS: Final = ("Retry-After", "Date", "Cache-Control")
_DEFAULT_PAUSE: Final = 60


@dataclass(frozen=True, slots=True)
class JsonResponse:
    """A JSON answer; its status is 2xx or 4xx, but no 429."""

    status: int
    body: dict[str, Any] = field(repr=False)
    headers: Mapping[str, str]
    elapsed_ms: int


def json_of(response: Response, elapsed_ms: int) -> JsonResponse:
    """The answer. Raises NoAnswer, with the error's JSON where it has any."""
    body, cause = _json(response), _cause_by_status(response)
    if isinstance(body, causes.NoAnswer):
        raise cause or body
    if cause:
        cause.body = body
        raise cause
    headers = {name: response.headers[name] for name in _HEADERS if name in response.headers}
    return JsonResponse(response.status, body, headers, elapsed_ms)


def _cause_by_status(response: Response) -> causes.NoAnswer | None:
    status = response.status
    if status == 429:
        return causes.throttled(_retry_after(response))
    if status >= 500:
        return causes.ServerError(status)
    if status // 100 not in (2, 4):
        return causes.Unusable(status, ", not followed")
    return None


def _json(response: Response) -> dict[str, Any] | causes.NoAnswer:
    status = response.status
    if len(response.body) > MAX_BODY:
        return causes.Unusable(status, f" with more than {MAX_BODY} bytes")
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        return causes.Unusable(status, " in an encoding that was not asked for")
    try:
        return loads_object(response.body)
    except NotStrict as error:
        return causes.NotJson(status, str(error))


def _retry_after(response: Response) -> int:
    """Seconds, or a date (RFC 9110, section 10.2.3)."""
    text = response.headers.get("Retry-After", "")
    if text.isascii() and text.isdigit() and len(text) < 8:
        return int(text)
    try:
        return round(parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return _DEFAULT_PAUSE
