"""Read people exported from Entra as CSV: the portal's bulk download, PowerShell's, or Graph's.

The column names vary in case, spaces and prefix; the file may be UTF-8 or UTF-16 with a mark,
and separated by commas, semicolons or tabs.
"""

from __future__ import annotations

import codecs
import csv
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from .pasted import delimiter_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "oid": ("id", "objectid", "azureadobjectid", "principalid"),
    "upn": ("userprincipalname", "upn"),
    "mail": ("mail", "email", "emailaddress", "primarysmtpaddress"),
    "name": ("displayname", "name", "principaldisplayname"),
    "kind": ("usertype",),
    "enabled": ("accountenabled", "enabled"),
    "roles": ("roles", "role", "approles", "approle", "approlevalue", "roleassigned"),
}
_NO: Final = ("false", "no", "0")
_SEPARATED: Final = re.compile(r"[^\s,;]+")  # a Value has no spaces


class NotAnExport(Exception):
    """The file cannot be read as people exported from Entra; says what it needs."""


@dataclass(frozen=True, slots=True)
class Exported:
    """One person of the file, as Entra names their fields; `oid` is "" without an id column."""

    line: int
    oid: str = ""
    upn: str = ""
    mail: str = ""
    name: str = ""
    is_guest: bool = False
    enabled: bool = True
    roles: tuple[str, ...] | None = None  # None: the file has no such column


def text_of(raw: bytes) -> str:
    """The file's text, whatever wrote it. Raises NotAnExport."""
    wide = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return raw.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        raise NotAnExport("The file is neither UTF-8 nor UTF-16: save it as CSV UTF-8.") from None


def read_export(text: str) -> tuple[Exported, ...]:
    """Everyone in the file. Raises NotAnExport when a needed column is missing."""
    lines = text.lstrip("\ufeff").splitlines()
    skipped = 1 if lines and lines[0].startswith("#TYPE") else 0  # PowerShell's own first line
    header = lines[skipped] if len(lines) > skipped else ""
    rows = csv.reader(lines[skipped:], delimiter=delimiter_of(header))
    try:
        at = _columns(next(rows, []))
        found = [_exported(rows.line_num + skipped, row, at) for row in rows if any(row)]
    except csv.Error as error:
        raise NotAnExport(f"Line {rows.line_num + skipped} is not CSV: {error}.") from None
    return tuple(_one_each(found))


def _one_each(found: Iterable[Exported]) -> Iterable[Exported]:
    """An export of assignments has a line for each role: together they are the person's."""
    merged: dict[str, Exported] = {}
    for number, person in enumerate(found):
        name = (person.oid or person.upn.lower()) if person.roles is not None else ""
        name = name or f"line {number}"
        known = merged.get(name, person)
        roles = (*(known.roles or ()), *(person.roles or ()))
        together = tuple(dict.fromkeys(roles)) if person.roles is not None else None
        merged[name] = replace(known, roles=together)
    return merged.values()


def _columns(header: list[str]) -> dict[str, int]:
    titles = [re.sub(r"[^a-z]", "", title.lower()) for title in header]
    found = {
        field: next((titles.index(name) for name in names if name in titles), -1)
        for field, names in _COLUMNS.items()
    }
    is_of_assignments = found["oid"] >= 0 and found["roles"] >= 0
    if found["mail"] < 0 and found["upn"] < 0 and not is_of_assignments:
        raise NotAnExport(
            "The first line names neither a column mail nor userPrincipalName."
            " Export with: id, userPrincipalName, mail, displayName, userType, accountEnabled."
        )
    return {field: at for field, at in found.items() if at >= 0}


def _exported(line: int, row: list[str], at: Mapping[str, int]) -> Exported:
    value = {field: row[index].strip() for field, index in at.items() if index < len(row)}
    return Exported(
        line=line,
        oid=value.get("oid", "").lower(),
        upn=value.get("upn", ""),
        mail=value.get("mail", ""),
        name=value.get("name", ""),
        is_guest=value.get("kind", "").lower() == "guest",
        enabled=value.get("enabled", "").lower() not in _NO,
        roles=tuple(_SEPARATED.findall(value.get("roles", ""))) if "roles" in at else None,
    )
