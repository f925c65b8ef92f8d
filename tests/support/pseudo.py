"""A language in which whatever is translated stands in brackets, so that the rest can be seen.

What a message interpolates is outside of its brackets: data, or words nobody translated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any

import pytest
from django.utils.translation import trans_real
from typing_extensions import override

LANGUAGE = "de"
_OPEN, _CLOSE = "\u27e6", "\u27e7"
_PLACES = re.compile(r"%%|%\(\w+\)[sd]|%[sd]|\{[a-z_]*\}")
_BRACKETED = re.compile(f"{_OPEN}[^{_OPEN}{_CLOSE}]*{_CLOSE}")
# Read aloud or shown, though they are no text of the page.
_ATTRIBUTES = ("title", "aria-label", "placeholder", "alt", "label")
_VOID = frozenset(["br", "hr", "img", "input", "link", "meta", "path", "use", "rect", "col"])
_DATA = {"staff-raw", "staff-copy"}
_DJANGOS_OWN = ("Search", "True", "False", "None")  # English in its templates, as alt
_WORDS = re.compile(r"[^\W\d_]{2,}")


class _Pseudo(trans_real.DjangoTranslation):
    """The catalogue of LANGUAGE with each message in brackets; without its number formats."""

    @override
    def gettext(self, message: str) -> str:
        found = super().gettext(message)
        return _bracketed(message) if message in self._catalog else found  # type: ignore[attr-defined]

    @override
    def ngettext(self, singular: str, plural: str, number: int) -> str:
        found = super().ngettext(singular, plural, number)
        known = any((singular, form) in self._catalog for form in (0, 1))  # type: ignore[attr-defined]
        return _bracketed(found) if known else found


@contextmanager
def spoken(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whoever asks for LANGUAGE is answered in brackets."""
    with monkeypatch.context() as patched:
        patched.setitem(vars(trans_real)["_translations"], LANGUAGE, _Pseudo(LANGUAGE))
        yield


def left_over(page: str) -> list[str]:
    """The texts of an HTML page with words outside of all brackets: what nobody translated."""
    reader = _Reader()
    reader.feed(page)
    return [text for text in map(_outside, reader.found) if _WORDS.search(text)]


def _bracketed(message: str) -> str:
    return _OPEN + _PLACES.sub(rf"{_CLOSE}\g<0>{_OPEN}", message) + _CLOSE


def _outside(text: str) -> str:
    while _BRACKETED.search(text):
        text = _BRACKETED.sub(" ", text)
    return " ".join(text.split())


class _Reader(HTMLParser):
    """Collects what a person reads or hears; not scripts, styles, or code."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._open: list[tuple[str, bool]] = []

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given: dict[str, Any] = dict(attrs)
        if tag not in _VOID:
            hidden = tag in ("script", "style", "code", "pre", "textarea", "time", "bdi")
            classes = (given.get("class") or "").split()
            self._open.append((tag, hidden or not _DATA.isdisjoint(classes)))
        if given.get("alt") not in _DJANGOS_OWN:
            self.found += [given[name] for name in _ATTRIBUTES if given.get(name)]
        if tag == "input" and given.get("type") in ("submit", "button"):
            self.found.append(given.get("value") or "")

    @override
    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    @override
    def handle_data(self, data: str) -> None:
        if not any(hidden for _, hidden in self._open):
            self.found.append(data)
