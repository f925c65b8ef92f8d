"""The rehearsal's report as rows, text and JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from ..display.naming import as_set_here
from ..reasons import REASONS
from .output import table
from .rehearsal import Foreseen, Report

_IN_TABLE: Final = ("line", "email", "outcome", "notes")
SPREADSHEET: Final = ("line", "email", "name", "outcome", "notes", "fix")


def as_lines(report: Report, only: str = "") -> Iterator[str]:
    """As text: the table, collisions, missing users, counts, fixes."""
    people = [_row(person) for person in report.people if _wanted(person, only)]
    yield from table(people, _IN_TABLE)
    yield from _listed("Not judged: the file has no column", report.unjudged)
    yield from _listed("Addresses that collide", _collisions(report))
    missing = (user.email for user in report.missing)
    yield from _listed("Users here without a match in the file", missing)
    yield from _listed("In all", _counts(report))
    yield from _listed("Fixes", _fixes(report))


def as_rows(report: Report, only: str = "") -> Iterator[dict[str, Any]]:
    """A row for each person, by SPREADSHEET."""
    for person in report.people:
        if _wanted(person, only):
            yield {**_row(person), "name": person.name, "fix": person.fix}


def as_dict(report: Report) -> dict[str, Any]:
    """For JSON."""
    return {
        "counts": report.counts(),
        "unjudged": report.unjudged,
        "people": list(as_rows(report)),
        "collisions": [{"emails": c.emails, "lines": c.lines} for c in report.collisions],
        "missing": [user.email for user in report.missing],
    }


def _row(person: Foreseen) -> dict[str, Any]:
    outcome = person.reason or "gets in"
    notes = (person.detail, *person.notes) if person.detail else person.notes
    return {"line": person.line, "email": person.email, "outcome": outcome, "notes": notes}


def _wanted(person: Foreseen, only: str) -> bool:
    return not only or person.gets_in == (only == "in")


def _collisions(report: Report) -> Iterator[str]:
    for found in report.collisions:
        yield f"{', '.join(found.emails)} (lines {', '.join(map(str, found.lines))})"


def _counts(report: Report) -> Iterator[str]:
    for code, count in sorted(report.counts().items(), key=lambda pair: -pair[1]):
        title = "would get in" if code == "in" else f"{code}: {as_set_here(REASONS[code].operator)}"
        yield f"{count:>6}  {title}"


def _fixes(report: Report) -> Iterator[str]:
    fixes = {person.reason: person.fix for person in report.people if person.reason}
    for code, fix in fixes.items():
        yield f"{code}: {fix}"


def _listed(title: str, lines: Iterable[str]) -> Iterator[str]:
    found = list(lines)
    if found:
        yield ""
        yield f"{title}:"
        yield from (f"  {line}" for line in found)
