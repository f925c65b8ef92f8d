"""Read a mapping file: for each person the old address or object ID, and the new one.

Two columns separated by comma, semicolon or tab, or `old -> new`, perhaps below a line of titles,
and perhaps with a third column for the tenant of the new object ID. A line that cannot be read is
returned with its problem.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from ..ids import is_guid
from . import OperatorError, addresses
from .columns import delimiter_of, folded_title

MOST_LINES: Final = 5000
_LONGEST_LINE: Final = 2000
_TITLES: Final[Mapping[str, tuple[str, ...]]] = {
    "old": ("old", "from", "before", "source", "former", "previous", "alt", "alte", "alter", "von",
            "ancien", "ancienne", "antiguo", "antigua", "anterior", "cu"),
    "new": ("new", "to", "after", "target", "neu", "neue", "neuer", "nach", "nouveau", "nouvelle",
            "nuevo", "nueva", "moi"),
    "tenant": ("tenant", "tid", "tenantid", "newtenant", "newtenantid"),
}  # fmt: skip
_REST: Final = (
    "", "address", "email", "emailaddress", "mail", "upn", "userprincipalname", "id", "oid",
    "objectid", "identity", "emailadresse", "adresse", "adresseemail", "correo", "value",
)  # fmt: skip
_ARROW: Final = re.compile(r"\s*(?:->|=>|\u2192)\s*")


@dataclass(frozen=True, slots=True)
class Move:
    """One line; `old` and `new` are an address, an object ID or `tid:oid`."""

    line: int
    old: str
    new: str
    tenant: str = ""
    problem: str = ""


def read_moves(text: str) -> list[Move]:
    """Every line of the file. Raises OperatorError."""
    rows = list(_rows(text.lstrip("\ufeff").splitlines()))
    if not rows:
        text = _("There is nothing in it. A line is: %(line)s")
        raise OperatorError(text % {"line": "old@contoso.com,new@fabrikam.com"})
    columns = _header(rows[0][1])
    if columns:
        del rows[0]
    if len(rows) > MOST_LINES:
        text = _("It has %(count)d lines, at most %(most)d go at once: split it.")
        raise OperatorError(text % {"count": len(rows), "most": MOST_LINES})
    return [
        _move(line, cells, columns or {"old": 0, "new": 1, "tenant": 2}) for line, cells in rows
    ]


def _rows(lines: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    delimiter = delimiter_of(next(filter(None, lines), ""))
    for number, line in enumerate(lines, start=1):
        if len(line) > _LONGEST_LINE:
            raise OperatorError(_("Line %(line)d is too long to be a mapping.") % {"line": number})
        cells = next(csv.reader([_ARROW.sub(delimiter, line)], delimiter=delimiter), [])
        stripped = [cell.strip(" \t") for cell in cells]
        if len(stripped) == 1:
            stripped = stripped[0].split(" ")
        if any(stripped):
            yield number, stripped


def _header(cells: Sequence[str]) -> dict[str, int]:
    """The index of each column if this is a line of titles, else {}. Raises OperatorError."""
    if any("@" in cell or is_guid(_plain(cell)) or ":" in cell for cell in cells):
        return {}
    found: dict[str, int] = {}
    for at, cell in enumerate(cells):
        name = _named(folded_title(cell))
        if name and name in found:
            text = _("Two columns are titled %(name)s: keep one pair, %(title)s.")
            raise OperatorError(text % {"name": name, "title": cells[found[name]]})
        if name:
            found[name] = at
    if {"old", "new"} <= set(found):
        return found
    if len(cells) < 2:
        return {}
    return {"old": 0, "new": 1, "tenant": found.get("tenant", 2)}


def _named(title: str) -> str:
    for name, beginnings in _TITLES.items():
        if any(title.removeprefix(b) in _REST for b in beginnings if title.startswith(b)):
            return name
    return ""


def _move(line: int, cells: Sequence[str], columns: Mapping[str, int]) -> Move:
    at = {name: cells[index] for name, index in columns.items() if index < len(cells)}
    old, new = _plain(at.get("old", "")), _plain(at.get("new", ""))
    tenant = _plain(at.get("tenant", ""))
    missing = _("The new one is missing.") if old else _("The old one is missing.")
    problem = _problem(old, missing) or _problem(new, missing)
    if not problem and tenant and not is_guid(tenant):
        problem = _("The tenant %(tenant)s is no GUID.") % {"tenant": tenant}
    return Move(line, old, new, tenant, problem)


def _plain(cell: str) -> str:
    """An object ID in lower case, without the braces that PowerShell writes."""
    bare = cell.removeprefix("{").removesuffix("}").lower()
    return bare if all(map(is_guid, bare.split(":"))) else cell


def _problem(value: str, missing: str) -> str:
    if not value:
        return missing
    if "@" in value:
        return addresses.problem_of(value)
    if len(value.split(":")) > 2 or not all(map(is_guid, value.split(":"))):
        return _("%(text)s is neither an address nor an object ID.") % {"text": value}
    return ""
