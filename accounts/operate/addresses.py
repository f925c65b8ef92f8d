"""Refuse addresses with invisible or look-alike characters.

Two addresses that look alike to an admin are two people to the policy, one of them perhaps an
impostor (Unicode Technical Standard 39, "Unicode Security Mechanisms").
"""

from __future__ import annotations

import unicodedata
from typing import Final

from django.utils.translation import gettext as _

from ..display.visible import describe_character, is_hidden

# Latin letters that look like ASCII ones: dotless i, phonetic a and g and the like.
_ALIKE: Final = frozenset(
    map(
        chr, (0x131, 0x237, 0x251, 0x261, 0x26A, 0x274, 0x280, 0x29F, 0x28F, 0x1D00, 0x1D04, 0x1D0F)
    )
)


def problem_of(address: str) -> str:
    """What is wrong with a character of the address, or ""."""
    for character in address:
        if character in (" ", "\t"):
            return _("The address has a blank in it.")
        if is_hidden(character):
            text = _("The address has an invisible character: %(name)s.")
            return text % {"name": describe_character(character)}
        if _looks_like_another(character):
            text = _("The address has a look-alike character: %(character)s is %(name)s.")
            return text % {"character": character, "name": describe_character(character)}
    return ""


def _looks_like_another(character: str) -> bool:
    if character.isascii():
        return False
    if character in _ALIKE or unicodedata.normalize("NFKC", character) != character:
        return True
    is_letter = unicodedata.category(character).startswith("L")
    return not (is_letter and unicodedata.name(character, "").startswith("LATIN"))
