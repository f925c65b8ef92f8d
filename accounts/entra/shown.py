"""A value from outside, short and harmless enough for a log line."""

from __future__ import annotations

_LENGTH = 80


def shown(value: object) -> str:
    """Printable ASCII on one line, cut; containers only by kind."""
    if isinstance(value, dict | list):
        return f"a {type(value).__name__} of {len(value)}"
    text = ascii(value[:_LENGTH] if isinstance(value, str) else value)
    return text if len(text) <= _LENGTH else f"{text[:_LENGTH]}..."
