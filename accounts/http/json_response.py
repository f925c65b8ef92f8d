"""A response taken only as what was asked for: one JSON object."""

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
    """A JSON answer; its status is 2xx, or 4xx other than 429."""

    status: int
    body: dict[str, Any] = field(repr=False)
    headers: Mapping[str, str]
    elapsed_ms: int


def json_of(response: Response, elapsed_ms: int) -> JsonResponse:
    """The parsed response. Raises NoAnswer, with an error's JSON if it has any."""
    failure = _failure_by_status(response)
    try:
        body = _body(response)
    except causes.NoAnswer as unreadable:
        raise failure or unreadable from None
    if failure:
        failure.body = body
        raise failure
    headers = {name: response.headers[name] for name in _HEADERS if name in response.headers}
    return JsonResponse(response.status, body, headers, elapsed_ms)


def _failure_by_status(response: Response) -> causes.NoAnswer | None:
    status = response.status
    if status == 429:
        return causes.throttled(_retry_after(response))
    if status >= 500:
        return causes.ServerError(status)
    return None if status // 100 in (2, 4) else causes.Unusable(status, ", not followed")


def _body(response: Response) -> dict[str, Any]:
    status = response.status
    if len(response.body) > MAX_BODY:
        raise causes.Unusable(status, f" with more than {MAX_BODY} bytes")
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise causes.Unusable(status, " in an encoding that was not asked for")
    try:
        return loads_object(response.body)
    except NotStrict as error:
        raise causes.NotJson(status, str(error)) from None


def _retry_after(response: Response) -> int:
    """Seconds, or a date (RFC 9110, section 10.2.3)."""
    text = response.headers.get("Retry-After", "")
    if text.isascii() and text.isdigit() and len(text) < 8:
        return int(text)
    try:
        return round(parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return _DEFAULT_PAUSE
