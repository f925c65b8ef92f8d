"""docs/trying.md lists everybody and every error that the emulator offers."""

from tests.emulator.people import DEFAULT_PEOPLE
from tests.emulator.scenarios import GROUPS
from tests.servers.process import ROOT

PAGE = ROOT / "docs/trying.md"
BEGIN = "<!-- emulator: generated from tests/emulator, tested to be current -->"
END = "<!-- /emulator -->"


def tables() -> str:
    people = ["| person | address | what happens |", "| --- | --- | --- |"]
    for person in DEFAULT_PEOPLE:
        address = person.email or "none"
        people.append(f"| `{person.key}` {person.name} | {address} | {person.outcome} |")
    errors = ["| error | what happens | AADSTS |", "| --- | --- | --- |"]
    for _, group in GROUPS:
        for one in group:
            errors.append(f"| `{one.key}` {one.title} | {one.outcome} | {one.number or ''} |")
    return "\n".join([*people, "", *errors])


def written(text: str) -> str:
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{tables()}\n{END}{rest.partition(END)[2]}"


def test_the_page_is_current() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert written(text) == text, "make documents"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
