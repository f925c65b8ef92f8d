"""The references that people read out: on a page, in the log, in the records."""

from __future__ import annotations

import secrets
from typing import Final

_ALPHABET: Final = "BCDFGHJKLMNPQRSTVWXZ23456789"  # no vowels, no 0/O or 1/I to misread
_LENGTH: Final = 8
_HOW_MANY: Final = len(_ALPHABET) ** _LENGTH


def new_reference() -> str:
    """Eight characters in two groups that name one attempt or act, easy to read aloud."""
    number, letters = secrets.randbelow(_HOW_MANY), ""
    for _ in range(_LENGTH):
        number, place = divmod(number, len(_ALPHABET))
        letters += _ALPHABET[place]
    return f"{letters[:4]}-{letters[4:]}"
