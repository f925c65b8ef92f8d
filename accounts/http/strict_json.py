"""Unambiguous JSON: UTF-8, an object at the top level, no duplicate keys, no NaN.

Parsers that disagree on which of two equal keys counts are a classic way around a check.
A byte order mark is ignored, as RFC 8259, section 8.1 allows.
"""

from __future__ import annotations

import json
from typing import Any


class NotStrict(ValueError):
    """The text is not one unambiguous JSON object; the message never quotes it."""


def loads_object(data: bytes) -> dict[str, Any]:
    """The parsed object. Raises NotStrict."""
    if not data:
        raise NotStrict("empty")
    try:
        value = _DECODER.decode(data.decode("utf-8-sig"))
    except NotStrict:
        raise
    except (ValueError, RecursionError):
        raise NotStrict("not JSON") from None
    if not isinstance(value, dict):
        raise NotStrict("not a JSON object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        raise NotStrict("a key occurs twice")
    return unique


def _no_constant(name: str) -> Any:
    raise NotStrict(f"{name} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)
