"""Read people out of what an operator pastes: emails, an address book's list, or CSV rows.

One line each, or several separated by commas or semicolons; `Name <email>` and a name beside
the email are understood, a header row names the columns. Nothing is dropped: text without an
email comes back as it is, to be refused by name.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from email.utils import parseaddr
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_EMAIL_COLUMNS: Final = ("email", "e-mail", "emailaddress", "mail", "userprincipalname", "upn")
_NAME_COLUMNS: Final = ("name", "displayname", "fullname")
_OID_COLUMNS: Final = ("oid", "id", "objectid", "azureadobjectid", "externaldirectoryobjectid")
_TENANT_COLUMNS: Final = ("tid", "tenant", "tenantid")


@dataclass(frozen=True, slots=True)
class Entry:
    """One person, and the line that names them, counted from 1."""

    line: int
    email: str
    name: str = ""
    oid: str = ""
    tenant: str = ""


def read_people(lines: Iterable[str]) -> Iterator[Entry]:
    """Everyone in these lines; empty lines are skipped."""
    columns: Mapping[str, int] | None = None
    for number, text in enumerate(lines, start=1):
        cells = _cells(text)
        if number == 1 and (columns := _header(cells)):
            continue
        if any(cells):
            yield from _by_column(number, cells, columns) if columns else _loose(number, cells)


def delimiter_of(text: str) -> str:
    """The delimiter of a line of CSV: the most frequent of comma, semicolon and tab."""
    return max(",;\t", key=text.count)


def _cells(text: str) -> list[str]:
    text = text.lstrip("\ufeff")
    row = next(csv.reader([text], delimiter=delimiter_of(text), skipinitialspace=True), [])
    return [cell.strip() for cell in row]


def _header(cells: Sequence[str]) -> dict[str, int]:
    """Which column holds what, when the first line is a header."""
    titles = ["".join(cell.lower().split()).replace("_", "") for cell in cells]
    found = {
        "email": _first(titles, _EMAIL_COLUMNS),
        "name": _first(titles, _NAME_COLUMNS),
        "oid": _first(titles, _OID_COLUMNS),
        "tenant": _first(titles, _TENANT_COLUMNS),
    }
    return {key: at for key, at in found.items() if at >= 0} if found["email"] >= 0 else {}


def _first(titles: Sequence[str], names: Sequence[str]) -> int:
    return next((titles.index(name) for name in names if name in titles), -1)


def _by_column(number: int, cells: Sequence[str], columns: Mapping[str, int]) -> Iterator[Entry]:
    at = {key: cells[index] for key, index in columns.items() if index < len(cells)}
    yield Entry(
        number, at.get("email", ""), at.get("name", ""), at.get("oid", ""), at.get("tenant", "")
    )


def _loose(number: int, cells: Sequence[str]) -> Iterator[Entry]:
    """Without a header: each cell with an @ is a person; words beside a lone one, their name."""
    people = [cell for cell in cells if "@" in cell]
    words = " ".join(cell for cell in cells if cell and "@" not in cell)
    if not people:
        yield Entry(number, words)
    for cell in people:
        name, email = _name_and_email(cell)
        yield Entry(number, email, name or (words if len(people) == 1 else ""))


def _name_and_email(cell: str) -> tuple[str, str]:
    if not cell.endswith(">"):
        return "", cell
    name, email = parseaddr(cell)
    return (name, email) if email else ("", cell)
