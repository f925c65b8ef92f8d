"""docs/extend.md as it is run: each section's code blocks, by the file that they belong in.

A block is preceded by a line that ends with its path in backquotes and a colon; a line such as
"Its pages: `/admin/a/`, `/admin/b/`." names what is opened.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from tests.servers.process import ROOT

PAGE = ROOT / "docs/extend.md"
_SECTION = re.compile(r"^#{2,3} (.+)$", re.MULTILINE)
_BLOCK = re.compile(
    r"^[^\n]*`(extension/[\w./-]+)`[^\n]*:\n\n```(?!sh)\w+\n(.*?)^```$", re.M | re.S
)
_PAGES = re.compile(r"Its\s+pages:\s(.+?)\.$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Recipe:
    """A section: `files` are texts by path, to be appended to what is there."""

    title: str
    files: Mapping[str, str]
    pages: tuple[str, ...]


@cache
def recipes() -> dict[str, Recipe]:
    """By title, those that have code."""
    parts = _SECTION.split(PAGE.read_text(encoding="utf-8"))
    pairs = zip(parts[1::2], parts[2::2], strict=True)
    return {title: found for title, text in pairs if (found := _recipe(title, text)).files}


def _recipe(title: str, text: str) -> Recipe:
    files: dict[str, str] = defaultdict(str)
    for path, code in _BLOCK.findall(text):
        files[path] += code
    pages = _PAGES.search(text)
    return Recipe(title, files, tuple(re.findall(r"`([^`]+)`", pages[1])) if pages else ())
