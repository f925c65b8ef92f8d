"""Removes secrets from Sentry's events: `before_send=without_secrets`, and for transactions too.

Its SDK sends query, headers and local variables with an error, which in a sign-in hold code and
state (https://docs.sentry.io/platforms/python/data-management/sensitive-data/).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from . import logs
from .protection import redact

_REQUEST_FIELDS: Final = ("method", "url")
# Local variables, queries of outgoing requests, forms, cookies and headers.
_OMITTED: Final = frozenset({"vars", "http.query", "cookies", "data", "headers", "env"})
_MIN_LENGTH: Final = 8  # shorter values are words


def without_secrets(event: dict[str, Any], hint: Mapping[str, Any]) -> dict[str, Any]:
    """The event without codes, states, tokens, cookies, local variables and the site's secrets."""
    request = event.get("request") or {}
    values = _values(request.get("query_string"))
    kept = {name: request[name] for name in _REQUEST_FIELDS if name in request}
    cleaned: dict[str, Any] = _clean({**event, "request": kept}, values)
    return cleaned


def _values(query: Any) -> list[str]:
    """The values in the request's query, to be masked everywhere in the event."""
    if isinstance(query, str):
        query = parse_qsl(query)
    pairs = query.items() if isinstance(query, Mapping) else query or ()
    return [str(value) for _name, value in pairs if len(str(value)) >= _MIN_LENGTH]


def _clean(value: Any, secrets: list[str]) -> Any:
    if isinstance(value, str):
        return redact.mask_secrets(logs.scrub(value), secrets)
    if isinstance(value, Mapping):
        return {
            name: {} if name in _OMITTED and isinstance(part, Mapping) else _clean(part, secrets)
            for name, part in value.items()
            if name not in _OMITTED or isinstance(part, Mapping)
        }
    if isinstance(value, list | tuple):
        return [_clean(part, secrets) for part in value]
    return value
