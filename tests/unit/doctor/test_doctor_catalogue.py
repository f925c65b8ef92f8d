"""Doctor's catalogue and its probes fit each other: ids, facts, words, the page."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from accounts.operate.doctor.catalogue import CATALOGUE, LEVELS, Entry, entry_of
from accounts.operate.doctor.page import page
from accounts.reasons import REASONS
from tests.servers.process import ROOT

HERE = ROOT / "accounts/operate/doctor"
ID = re.compile(r"accounts\.[EWI]\d{3}|[a-z]+(\.[a-z0-9_]+)?")


def facts_in(entry: Entry) -> set[str]:
    texts = [entry.title, entry.detail, entry.fix, entry.if_ok, *entry.shows_as]
    parsed = [part for text in texts for part in Formatter().parse(text)]
    return {name for _, name, _, _ in parsed if name}


def literal_ids(path: Path) -> Iterator[str]:
    """The ids that a probe names in so many words."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(
                func=ast.Name("ok" | "fault" | "verdict"), args=[ast.Constant(str(id_)), *_]
            ):
                yield id_


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=lambda entry: entry.id)
def test_an_entry_is_whole(entry: Entry) -> None:
    assert ID.fullmatch(entry.id)
    assert entry.level in LEVELS
    assert entry.title or entry.if_ok
    assert entry.fix or entry.if_ok
    assert not any(each.isdigit() for each in facts_in(entry))
    assert all(item in REASONS or " " in item or "{" in item for item in entry.shows_as)


def test_probes_name_only_ids_of_the_catalogue() -> None:
    named = {id_ for path in HERE.rglob("*.py") for id_ in literal_ids(path)}
    assert len(named) > 60
    assert named <= set(CATALOGUE)


@pytest.mark.parametrize(("id_", "level"), [
    ("security.W004", "warning"), ("models.E001", "error"), ("public_address.crashed", "error"),
])  # fmt: skip
def test_what_has_no_entry_of_its_own_shares_one(id_: str, level: str) -> None:
    assert entry_of(id_).level == level


def test_the_page_is_current_and_has_an_anchor_for_each_id() -> None:
    text = page()
    assert (ROOT / "docs/doctor.md").read_text(encoding="utf-8").strip() == text.strip(), (
        "run: ./manage.py doctor --explain all > docs/doctor.md"
    )
    assert re.findall(r'<a id="([^"]+)">', text)[:-1] == sorted_as_shown(text)


def sorted_as_shown(text: str) -> list[str]:
    shown = re.findall(r"^### (\S+)$", text, re.M)
    assert sorted(shown) == sorted(CATALOGUE)
    return shown
