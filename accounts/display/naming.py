"""Names of settings in texts, as the site that runs the app sets them.

Texts are written with the names in docs/settings.md. In another site these are keys of a
dictionary, the stores are Django's own settings, and docs/ is inside the installed package.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Final

from django.conf import settings
from django.utils.functional import lazy

from ..conf import READ, is_a_host

DICTIONARY: Final = "MICROSOFT_ADMIN"

_PREFIX: Final = "MICROSOFT_"
# What another site sets in Django's own settings.
_DJANGO_SETTINGS: Final = {
    "REDIS_URL": 'CACHES["default"]["LOCATION"]',
    "DATABASE_URL": 'DATABASES["default"]',
    "DEBUG": "DEBUG",
    "ALLOWED_HOSTS": "ALLOWED_HOSTS",
}
_VALUE: Final = r"(?:=([^\s,;()]*[^\s,;().:]))?"
_NUMBER_OR_NAME: Final = re.compile(r"[0-9]+|[A-Z]+")
_WORDS: Final = {"true": "True", "false": "False"}
_DOCUMENT: Final = re.compile(r"(?<![\w/])docs/(?=[a-z-]+\.md)")
_REQUIREMENTS: Final = re.compile(r"-r requirements/(azure|telemetry)\.txt")
_ENVIRONMENT: Final = re.compile(r"\bthe environment\b")
_PACKAGE_DOCS: Final = Path(__file__).parent.parent / "docs"


def key_of(name: str) -> str:
    """The variable's key in the dictionary."""
    return name.removeprefix(_PREFIX)


def as_keys(text: str, names: Iterable[str]) -> str:
    """The text with these variables as keys of the dictionary, and their values as Python's."""
    return _pattern(frozenset(names)).sub(_as_key, text)


def as_set_here(text: object) -> str:
    """The text with each setting named as this site sets it."""
    if not is_a_host():
        return str(text)
    adapted = as_keys(str(text), getattr(settings, READ))
    adapted = _REQUIREMENTS.sub(r'"django-microsoft-admin[\1]"', adapted)
    adapted = _ENVIRONMENT.sub("the settings", adapted)
    return _DOCUMENT.sub(f"{_PACKAGE_DOCS}/", adapted)


as_set_here_lazy = lazy(as_set_here, str)


@lru_cache(maxsize=4)
def _pattern(names: frozenset[str]) -> re.Pattern[str]:
    longest_first = sorted(names | _DJANGO_SETTINGS.keys(), key=len, reverse=True)
    return re.compile(rf'(?<![\w"\[{{])({"|".join(longest_first)})(?![\w*"]){_VALUE}')


def _as_key(found: re.Match[str]) -> str:
    name, value = found.groups()
    key = _DJANGO_SETTINGS.get(name) or f'{DICTIONARY}["{key_of(name)}"]'
    if value is None:
        return key
    if name == "DATABASE_URL":
        return f"{key} to PostgreSQL"  # a dictionary of many lines
    literal = _WORDS.get(value, value)
    is_unquoted = literal != value or _NUMBER_OR_NAME.fullmatch(literal)
    return f"{key} = {literal}" if is_unquoted else f'{key} = "{literal}"'
