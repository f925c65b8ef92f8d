"""docs/architecture.md names only what exists, and its packages are the import test's own.

`python -m tests.unit.documents.test_architecture_page` writes the table of packages anew.
"""

import ast
import re
from pathlib import Path

import pytest

from tests.servers.process import ROOT
from tests.unit.test_architecture import FLOORS

PAGE = ROOT / "docs" / "architecture.md"
PLACE = re.compile(r"(<!-- rooms:[^\n]*-->\n).*?(<!-- /rooms -->)", re.S)
# `a/path.py`, `a/folder/`, `a/path.py:name`
NAMED = re.compile(r"`([\w./-]+/[\w./-]*)(?::(\w+))?`")


def rooms() -> str:
    """Each package or module, the first sentence of its docstring, and what it imports from."""
    lines = ["| package or module | what it is | imports from |", "| --- | --- | --- |"]
    for room, others in FLOORS.items():
        below = ", ".join(f"`{_short(other)}`" for other in FLOORS if other in others)
        lines.append(
            f"| `{room}{'' if room.endswith('.py') else '/'}` | {_about(room)} | {below} |"
        )
    return "\n".join(lines)


def _short(room: str) -> str:
    return room.removeprefix("accounts/").removesuffix(".py")


def _about(room: str) -> str:
    path = ROOT / room
    text = (path if path.suffix else path / "__init__.py").read_text(encoding="utf-8")
    told = ast.get_docstring(ast.parse(text)) or ""
    return " ".join(told.partition("\n\n")[0].split()).rstrip(".")


def written(text: str) -> str:
    return PLACE.sub(lambda found: f"{found[1]}{rooms()}\n{found[2]}", text)


def test_the_rooms_are_those_of_the_import_test() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert rooms() in text, "run: make documents"
    assert written(text) == text


@pytest.mark.parametrize("room", FLOORS)
def test_every_room_says_what_it_is(room: str) -> None:
    assert _about(room)


def _names_of(path: Path) -> set[str]:
    """What a module defines at its top, and methods of its classes."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found


@pytest.mark.parametrize("path", sorted((ROOT / "docs").glob("*.md")), ids=lambda path: path.name)
def test_files_and_functions_that_a_page_names_exist(path: Path) -> None:
    ours = re.compile(r"(accounts|project|tests|templates|locale|docs|requirements)/")
    text = path.read_text(encoding="utf-8")
    for place, name in NAMED.findall(text):
        if not ours.match(place) or place.startswith("accounts/microsoft/"):
            continue
        assert (ROOT / place).exists(), place
        assert not name or name in _names_of(ROOT / place), f"{place}:{name}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
