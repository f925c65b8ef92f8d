"""Read people out of what an operator pastes: mails, address books, tables, lists.

Addresses are found wherever they stand: `Doe, Jane <jane@contoso.com>; Roe, Rick <rick@...>`,
`Name (address)`, `Name address`, `address, Name`, with bullets and numbers, with blanks between,
in the columns of a spreadsheet, or in a table whose first line names its columns. Nothing is
dropped: a line without an address comes back with its text and the reason.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from dataclasses import dataclass, field
from io import StringIO
from typing import TYPE_CHECKING, Final

from ..visible import is_hidden

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "mail": ("email", "mail", "emailaddress", "primarysmtpaddress", "emailadresse", "courriel",
             "adresseemail", "correo", "correoelectronico", "diachiemail", "address"),
    "upn": ("userprincipalname", "upn", "signinname", "username", "benutzerprinzipalname",
            "nomprincipaldelutilisateur", "nombreprincipaldeusuario"),
    "name": ("displayname", "name", "fullname", "anzeigename", "nomcomplet", "nomafficher",
             "nombreparamostrar", "nombrecompleto", "tenhienthi", "hoten"),
    "given": ("givenname", "firstname", "vorname", "prenom", "nombre"),
    "family": ("surname", "lastname", "nachname", "nom", "apellidos", "familyname"),
    "oid": ("oid", "id", "objectid", "azureadobjectid", "externaldirectoryobjectid"),
    "tenant": ("tid", "tenant", "tenantid"),
}  # fmt: skip
_ADDRESS: Final = re.compile(
    r"""[^\s<>()\[\]{},;:"|=\uff1c\uff1e\uff08\uff09\u3001\uff0c\uff1b\uff1a]+@[^\s<>()\[\]{},;:"|/\uff1c\uff1e\uff08\uff09\u3001\uff0c\uff1b\uff1a]+"""
)
# Bullets, numbers, and the words before the recipients of a mail.
_LEADING: Final = re.compile(
    r"^\s*(?:[-*•‣◦·\u2013\u2014+>#]+\s+|[•‣◦·]|\(?\d{1,4}[.)\]:]\s*|\d{1,4}\s+)?"
    r"(?:(?:to|cc|bcc|from|an|von|à|de|para|mailto)\s*:\s*)?",
    re.IGNORECASE,
)
_JOINING: Final = (
    "",
    "and",
    "und",
    "et",
    "y",
    "or",
    "oder",
    "&",
    "và",
    "mailto",
    "smtp",
    "upn",
    "email",
    "e-mail",
    "mail",
    "xmpp",
)
_EDGES: Final = (
    " \t\r\n,;:|=<>()[]{}\"'`-\u2013\u2014•*/"
    "\u201c\u201d\u201e\u00ab\u00bb\u2610\u2611\u2713\u2714\u25a1"
    "\uff1c\uff1e\uff08\uff09\u3001\uff0c\uff1b\uff1a"
)
_MOST_LINES_OF_A_CELL: Final = 10
_LONGEST_NAME: Final = 150
NO_ADDRESS: Final = "There is no email address in this line."
EMPTY_COLUMNS: Final = "Its columns for the address (mail, userPrincipalName) are empty."


@dataclass(frozen=True, slots=True)
class Entry:
    """One person, and the line that names them, counted from 1; `problem` when it names nobody."""

    line: int
    email: str
    name: str = ""
    oid: str = ""
    tenant: str = ""
    text: str = field(default="", compare=False)
    problem: str = field(default="", compare=False)


def read_people(lines: Iterable[str]) -> Iterator[Entry]:
    """Everyone in these lines; empty lines are skipped."""
    rows = list(_logical("\n".join(lines).lstrip("\ufeff").splitlines()))
    if rows and rows[0][1].startswith("#TYPE"):  # PowerShell's own first line
        del rows[0]
    if not rows:
        return
    delimiter = delimiter_of(rows[0][1])
    if columns := _header(_cells(rows[0][1], delimiter)):
        for number, text in rows[1:]:
            yield _by_column(number, text, _cells(text, delimiter), columns)
        return
    for number, text in rows:
        yield from _in_columns(number, text) if "\t" in text else _free(number, text)


def delimiter_of(text: str) -> str:
    """The delimiter of a line of CSV: the most frequent of comma, semicolon and tab."""
    return max(",;\t", key=text.count)


def _logical(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Lines with their numbers; what is broken within quotes is one line again."""
    at = 0
    while at < len(lines):
        size = _size(lines[at : at + _MOST_LINES_OF_A_CELL])
        if text := "\n".join(lines[at : at + size]).strip(" \r\n"):
            yield at + 1, text
        at += size


def _size(lines: Sequence[str]) -> int:
    """How many lines it takes until the quotes are closed; one, when they never are."""
    quotes = 0
    for size, line in enumerate(lines, start=1):
        quotes += line.count('"')
        if quotes % 2 == 0:
            return size
    return 1


def _cells(text: str, delimiter: str) -> list[str]:
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    return [" ".join(cell.split()) for cell in next(reader, [])]


def _header(cells: Sequence[str]) -> dict[str, int]:
    """Which column holds what, when the first line is a header."""
    titles = [title_of(cell) for cell in cells]
    found = {
        key: next((titles.index(name) for name in names if name in titles), -1)
        for key, names in _COLUMNS.items()
    }
    named = {key: at for key, at in found.items() if at >= 0}
    return named if {"mail", "upn"} & set(named) else {}


def title_of(cell: str) -> str:
    """A column's title as it is compared: small Latin letters and nothing else."""
    plain = unicodedata.normalize("NFKD", cell.casefold())
    return "".join(c for c in plain if c.isascii() and c.isalpha())


def _by_column(number: int, text: str, cells: Sequence[str], columns: Mapping[str, int]) -> Entry:
    at = {key: cells[index] for key, index in columns.items() if index < len(cells)}
    email = at.get("mail") or at.get("upn") or ""
    name = at.get("name") or f"{at.get('given', '')} {at.get('family', '')}".strip()
    problem = "" if email else EMPTY_COLUMNS
    return Entry(
        number, email, _clean(name), at.get("oid", ""), at.get("tenant", ""), text, problem
    )


def _in_columns(number: int, text: str) -> Iterator[Entry]:
    """A row of a spreadsheet: each cell with an address is a person, a cell beside it the name."""
    cells = _cells(text, "\t")
    holding = [at for at, cell in enumerate(cells) if _ADDRESS.search(cell)]
    if not holding:
        yield Entry(number, text, text=text, problem=NO_ADDRESS)
    for at in holding:
        for entry in _free(number, cells[at], text):
            name = entry.name or _name_beside(cells, at, entry.email)
            yield Entry(number, entry.email, name, text=text)


def _name_beside(cells: Sequence[str], at: int, email: str) -> str:
    """The cell, or two of one word each, that has most of the address in it; else the nearest."""
    local = _plain(email.partition("@")[0])
    pairs = [
        (index, f"{cells[index]} {cells[index + 1]}")
        for index in range(len(cells) - 1)
        if _is_word(cells[index]) and _is_word(cells[index + 1])
    ]
    options = [(i, cell) for i, cell in enumerate(cells) if i != at and _is_name(cell)]
    options += [(i, name) for i, name in pairs if at not in (i, i + 1)]
    if not options:
        return ""

    def rank(option: tuple[int, str]) -> tuple[int, bool, bool, int]:
        index, name = option
        words = [word for word in _plain(name).split() if word in local]
        return (len(words), index < at, " " in name, -abs(index - at))

    best = max(options, key=rank)
    plausible = rank(best)[0] > 0 or best[0] < at or " " in best[1]
    return _clean(best[1]) if plausible else ""


def _free(number: int, text: str, row: str = "") -> Iterator[Entry]:
    line = _LEADING.sub("", text.replace("\n", " "))
    found = list(_ADDRESS.finditer(line))
    if not found:
        yield Entry(number, text, text=row or text, problem=NO_ADDRESS)
        return
    ends = [0, *(match.end() for match in found)]
    starts = [*(match.start() for match in found), len(line)]
    gaps = [line[end:start] for end, start in zip(ends, starts, strict=True)]
    for match, name in zip(found, _names(gaps), strict=True):
        yield Entry(number, _address(match[0]), name, text=row or text)


def _address(text: str) -> str:
    return text.partition("?")[0].strip("'`\u2018\u2019\u201c\u201d").rstrip(".!*")


def _names(gaps: Sequence[str]) -> list[str]:
    """A name for each address, from what stands before it, or after it where nothing does."""
    before, after = gaps[:-1], gaps[1:]
    if not _clean(before[0]) and _clean(after[-1]):
        return [_following(gap) for gap in after]
    names, parenthesis = [], ""
    for gap, following in zip(before, after, strict=True):
        names.append(_preceding(gap.removeprefix(parenthesis)) or _parenthesis(following)[1])
        parenthesis = "" if names[-1] and _preceding(gap) else _parenthesis(following)[0]
    return names


def _preceding(gap: str) -> str:
    """`Doe, Jane <` is a name with a comma; in `Sales,Jane Doe,` only what is nearest is one."""
    gap = re.sub(r"(?i)mailto\s*:\s*$", "", gap).rstrip()
    if quoted := re.search(r'"([^"]+)"\s*[,;:<(]?$', gap):
        return _clean(quoted[1])
    nearest = re.split(r"[;|>\n]", gap.lstrip(",;>) \t"))
    pieces = [piece for piece in nearest if piece.strip(_EDGES)]
    if not pieces:
        return ""
    piece = pieces[-1]
    if gap.endswith((",", ":")) or (gap.endswith(";") and "," in piece):
        piece = piece.strip(_EDGES).split(",")[-1]
    return _clean(piece)


def _following(gap: str) -> str:
    piece = re.split(r"[,;|\n]", gap.strip(_EDGES))[0]
    return _clean(piece) if _is_name(piece) else ""


def _parenthesis(gap: str) -> tuple[str, str]:
    """`(Name)` right after the address: as it stands, and the name."""
    found = re.match(r"\s*>?\s*\(([^()@]+)\)", gap)
    return (found[0], _clean(found[1])) if found else ("", "")


def _clean(name: str) -> str:
    shown = "".join(" " if c.isspace() else c for c in name if c.isspace() or not is_hidden(c))
    plain = " ".join(shown.split()).strip(_EDGES)
    return "" if plain.casefold() in _JOINING else plain[:_LONGEST_NAME]


def _is_name(cell: str) -> bool:
    has_digit = any(c.isdigit() for c in cell)
    return bool(re.search(r"[^\W\d_]", cell)) and not has_digit and len(cell.split()) <= 5


def _is_word(cell: str) -> bool:
    return _is_name(cell) and " " not in cell and "@" not in cell


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c))
