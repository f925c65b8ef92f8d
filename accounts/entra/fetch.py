"""The two documents that Microsoft publishes for a tenant, asked for within a deadline."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from accounts.entra.errors import refusal_of
from accounts.entra.jwks import SigningKey, read_keys
from accounts.reasons import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from accounts.entra.discovery import Discovery
    from accounts.http.client import HttpClient


def fetch(http: HttpClient, url: str, deadline: float) -> Mapping[str, object]:
    """The document, or the refusal that Microsoft's error answer means."""
    answer = http.get_json(url, budget=deadline - time.monotonic())
    if answer.status != 200:
        raise refusal_of(answer.body)
    return answer.body


def fetch_keys(http: HttpClient, discovery: Discovery, deadline: float) -> Mapping[str, SigningKey]:
    keys = read_keys(fetch(http, discovery.jwks_uri, deadline))
    if not keys:
        raise Refused("microsoft_unreachable", "keys: none that can be used")
    return keys
