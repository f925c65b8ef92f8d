"""Short references, easy to read aloud: of a sign-in or an act, on pages, in logs and records."""

from __future__ import annotations

import re
from typing import Final

from django.utils.crypto import get_random_string

_ALPHABET: Final = "BCDFGHJKLMNPQRSTVWXZ23456789"  # no vowels, no 0/O or 1/I to misread
_REFERENCE: Final = re.compile(r"\W*([A-Z0-9]{4})\W?([A-Z0-9]{4})\W*")


def new_reference() -> str:
    """Eight random characters in two groups."""
    letters = get_random_string(8, _ALPHABET)
    return f"{letters[:4]}-{letters[4:]}"


def parse_reference(text: str) -> str:
    """The reference in what somebody typed: bcdf2345, "BCDF 2345", bcdf-2345; "" for none."""
    match = _REFERENCE.fullmatch(text.upper())
    return f"{match[1]}-{match[2]}" if match else ""
