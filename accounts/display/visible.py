"""Untrusted text shown with its invisible and bidirectional control characters written out.

Bidirectional controls make "moc.live" read as "evil.com", invisible characters make two addresses
look alike (Unicode Technical Report 36, "Unicode Security Considerations").
"""

from __future__ import annotations

import unicodedata
from typing import Final

# Blank or invisible, though in a visible category: fillers, joiners, variation selectors.
_BLANK: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | frozenset(
    map(chr, (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
)
_HIDDEN: Final = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))


def visible(text: str, *, keep: str = "") -> str:
    """The text with hidden characters as [U+202E]; those in `keep` stay."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(f"[U+{ord(c):04X}]" if is_hidden(c) and c not in keep else c for c in text)


def is_hidden(character: str) -> bool:
    """Whether a reader cannot see the character itself."""
    if character in _BLANK or (character != " " and character.isspace()):
        return True
    return unicodedata.category(character) in _HIDDEN


def describe_character(character: str) -> str:
    """The character's code point and name: U+200B ZERO WIDTH SPACE."""
    return f"U+{ord(character):04X} {unicodedata.name(character, '')}".rstrip()


def safe_repr(value: object, longest: int = 80) -> str:
    """The value as printable ASCII, truncated; of a container its type and length only."""
    if isinstance(value, dict | list):
        return f"a {type(value).__name__} of {len(value)}"
    text = ascii(value[:longest] if isinstance(value, str) else value)
    return text if len(text) <= longest else f"{text[:longest]}..."
