"""The documentation is true: its tables equal the code's, and its commands exist.

`python -m tests.unit.documents.test_readme` writes the tables anew.
"""

import re
import sys

import pytest

from accounts.reasons import REASONS
from project.variables import VARIABLES
from tests.servers.process import ROOT

README = ROOT / "README.md"
FIXERS = {
    "person": "the person",
    "admin": "an admin",
    "operator": "the operator",
    "microsoft": "Microsoft",
}


def settings_table() -> str:
    rows = [f"| `{v.name}` | {v.default_in_words} | {v.meaning} |" for v in VARIABLES.values()]
    return "\n".join(["| variable | default | meaning |", "| --- | --- | --- |", *rows])


def reasons_table() -> str:
    head = ["| reason | status | what it means | what to change | who can fix it |"]
    rows = [
        f"| `{r.code}` | {r.status} | {r.operator} | {r.fix} | {FIXERS[r.fixer]} |"
        for r in REASONS.values()
    ]
    return "\n".join([*head, "| --- | --- | --- | --- | --- |", *rows])


TABLES = {"settings": settings_table, "reasons": reasons_table}


def between(name: str, text: str) -> str:
    found = re.search(rf"<!-- {name}:[^\n]*-->\n(.*?)\n?<!-- /{name} -->", text, re.S)
    assert found, f"README.md has no place for {name}"
    return found[1]


@pytest.mark.parametrize("name", TABLES)
def test_the_readmes_tables_are_the_codes(name: str) -> None:
    assert between(name, README.read_text(encoding="utf-8")) == TABLES[name](), (
        "run: python -m tests.unit.documents.test_readme"
    )


def test_the_readmes_commands_exist() -> None:
    table = re.search(r"## Commands\n(.*?)\n## ", README.read_text(encoding="utf-8"), re.S)
    assert table
    named = set(re.findall(r"^\| `(\w+)|, `(entra_emulator)`", table[1], re.M))
    names = {name for pair in named for name in pair if name}
    commands = {p.stem for p in (ROOT / "accounts/management/commands").glob("[a-z]*.py")}
    assert names == commands


def test_the_readmes_make_targets_exist() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    named = set(re.findall(r"^make (\w+)$|`make (\w+)", README.read_text(encoding="utf-8"), re.M))
    assert {name for pair in named for name in pair if name} <= targets


def test_the_files_that_the_documentation_names_exist() -> None:
    for page in (README, *(ROOT / "docs").glob("*.md")):
        text = page.read_text(encoding="utf-8")
        links = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
        assert not [link for link in links if not (page.parent / link).exists()], page


def write() -> None:
    text = README.read_text(encoding="utf-8")
    for name, table in TABLES.items():
        place = rf"(<!-- {name}:[^\n]*-->\n).*?(<!-- /{name} -->)"
        found = re.search(place, text, re.S)
        assert found
        text = text.replace(found[0], f"{found[1]}{table()}\n{found[2]}")
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
    sys.exit()
