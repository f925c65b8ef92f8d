"""The documentation is true: its tables equal the code's, and its commands exist.

`python -m tests.unit.documents.test_readme` writes the tables anew.
"""

import re
from pathlib import Path

import pytest

from accounts.reasons import REASONS
from project.variables import VARIABLES, load
from tests.servers.environment import deployed_environment
from tests.servers.process import ROOT

README, DOCS = ROOT / "README.md", ROOT / "docs"
FIXERS = {
    "person": "the person",
    "admin": "an admin",
    "operator": "the operator",
    "microsoft": "Microsoft",
}


def settings_table() -> str:
    rows = [
        f"| `{v.name}`{' †' * v.secret} | {v.default_in_words} | {v.meaning} |"
        for v in VARIABLES.values()
    ]
    return "\n".join(["| variable | default | meaning |", "| --- | --- | --- |", *rows])


def reasons_table() -> str:
    head = ["| reason | status | what it means | what to change | who can fix it |"]
    rows = [
        f"| `{r.code}` | {r.status} | {r.operator} | {r.fix} | {FIXERS[r.fixer]} |"
        for r in REASONS.values()
    ]
    return "\n".join([*head, "| --- | --- | --- | --- | --- |", *rows])


TABLES = {"settings": settings_table, "reasons": reasons_table}


def written(name: str) -> str:
    """docs/NAME.md with the table as it is now."""
    place = rf"(<!-- {name}:[^\n]*-->\n).*?(<!-- /{name} -->)"
    text = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    return re.sub(place, lambda found: f"{found[1]}{TABLES[name]()}\n{found[2]}", text, flags=re.S)


@pytest.mark.parametrize("name", TABLES)
def test_the_tables_are_the_codes(name: str) -> None:
    text = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    assert TABLES[name]() in text, "run: python -m tests.unit.documents.test_readme"
    assert written(name) == text


@pytest.mark.parametrize("page", ["README.md", "docs/settings.md"])
def test_a_block_of_variables_can_be_copied(page: str, tmp_path: Path) -> None:
    """Every line is a variable that is read; with the secrets in place the site starts."""
    text = (ROOT / page).read_text(encoding="utf-8")
    [block] = re.findall(r"```\n((?:#[^\n]*\n|[A-Z_]+=[^\n]*\n)+)```", text)
    lines = [line for line in block.splitlines() if not line.startswith("#")]
    given = dict(line.split("=", 1) for line in lines)
    for name in [name for name in given if name.endswith("_FILE")]:
        path = tmp_path / name
        path.write_text(deployed_environment()[name.removesuffix("_FILE")])
        given[name] = str(path)
    found = load(given)
    assert found.warnings == []
    assert {name.removesuffix("_FILE") for name in given} <= VARIABLES.keys()


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
    for page in (README, *DOCS.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        links = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
        assert not [link for link in links if not (page.parent / link).exists()], page


if __name__ == "__main__":
    for name in TABLES:
        (DOCS / f"{name}.md").write_text(written(name), encoding="utf-8")
