"""JSON that means one thing only: no duplicate keys, no NaN, UTF-8, an object at the top.

A byte order mark is passed over, as RFC 8259, section 8.1 allows.

Two parsers that pick different ones of two equal keys are a classic way around a check.
"""

from __future__ import annotations

import json
from typing import Any


class NotStrict(ValueError):
    """The text is not one unambiguous JSON object; the message never quotes it."""


def loads_object(data: bytes) -> dict[str, Any]:
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
    made = dict(pairs)
    if len(made) != len(pairs):
        raise NotStrict("a key occurs twice")
    return made


def _no_constant(name: str) -> Any:
    raise NotStrict(f"{name} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)
