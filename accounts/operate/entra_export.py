"""Read people exported from Entra as CSV: the portal's bulk download, PowerShell's, or Graph's.

The column names vary in case, spaces and prefix; the file may be UTF-8 or UTF-16 with a mark,
and separated by commas, semicolons or tabs.
"""

from __future__ import annotations

import codecs
import csv
import re
import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from .pasted import delimiter_of, title_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "oid": ("id", "objectid", "azureadobjectid", "principalid", "objektid", "iddobjet",
            "iddelobjet", "iddelobjeto", "iddeobjeto", "idoituong", "iddoituong"),
    "upn": ("userprincipalname", "upn", "benutzerprinzipalname", "nomprincipaldutilisateur",
            "nomdutilisateurprincipal", "nombreprincipaldeusuario", "nombreprincipaldelusuario",
            "tenchinhcuanguoidung", "tennguoidungchinh"),
    "mail": ("mail", "email", "emailaddress", "primarysmtpaddress", "emailadresse", "courriel",
             "courrier", "adressedemessagerie", "adresseemail", "correo", "correoelectronico",
             "direcciondecorreoelectronico", "thu", "thudientu", "diachiemail"),
    "name": ("displayname", "name", "principaldisplayname", "anzeigename", "nomcomplet",
             "nomdaffichage", "nombreparamostrar", "nombremostrado", "tenhienthi"),
    "kind": ("usertype", "benutzertyp", "typedutilisateur", "typeutilisateur", "tipodeusuario",
             "loainguoidung"),
    "enabled": ("accountenabled", "enabled", "kontoaktiviert", "aktiviert", "compteactive",
                "cuentahabilitada", "habilitado", "habilitada", "taikhoanduocbat",
                "dabattaikhoan", "taikhoandabat"),
    "roles": ("roles", "role", "approles", "approle", "approlevalue", "roleassigned"),
}  # fmt: skip
_NO: Final = ("false", "no", "0", "n", "falsch", "nein", "faux", "non", "falso", "sai", "khong")
_YES: Final = ("", "true", "yes", "1", "y", "wahr", "ja", "vrai", "oui", "verdadero", "si", "dung",
               "co")  # fmt: skip
_GUEST: Final = ("guest", "gast", "invite", "invitee", "invitado", "invitada", "khach")
_MEMBER: Final = ("", "member", "mitglied", "membre", "miembro", "thanhvien")
# What each column is for: without it that is not judged.
_UNJUDGED: Final[Mapping[str, str]] = {
    "oid": "id: whether people who are linked already are the same",
    "upn": "userPrincipalName: people without a mail",
    "mail": "mail: people are judged by their userPrincipalName",
    "kind": "userType: who is a guest",
    "enabled": "accountEnabled: who is blocked at Microsoft",
}
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
    unclear: tuple[str, ...] = ()  # what of the line no rule knows
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
    lines, skipped = _lines(text)
    rows = csv.reader(lines, delimiter=delimiter_of(lines[0] if lines else ""))
    try:
        at = _columns(next(rows, []))
        found = [_exported(rows.line_num + skipped, row, at) for row in rows if any(row)]
    except csv.Error as error:
        raise NotAnExport(f"Line {rows.line_num + skipped} is not CSV: {error}.") from None
    return tuple(_one_each(found))


def unjudged(text: str) -> tuple[str, ...]:
    """Which columns the file has not, and what therefore was not judged. Raises NotAnExport."""
    lines, _skipped = _lines(text)
    header = lines[0] if lines else ""
    at = _columns(next(csv.reader([header], delimiter=delimiter_of(header)), []))
    return tuple(what for column, what in _UNJUDGED.items() if column not in at)


def _lines(text: str) -> tuple[list[str], int]:
    """The lines from the titles on, and how many stand before: PowerShell's own, or Excel's."""
    lines = text.lstrip("\ufeff").splitlines()
    skipped = 1 if lines and lines[0].lower().startswith(("#type", "sep=")) else 0
    return lines[skipped:], skipped


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
    titles = [_folded(title) for title in header]
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
        is_guest=_folded(value.get("kind", "")) in _GUEST,
        enabled=_truth(value.get("enabled", "")) not in _NO,
        unclear=tuple(_unclear(value)),
        roles=tuple(_SEPARATED.findall(value.get("roles", ""))) if "roles" in at else None,
    )


def _unclear(value: Mapping[str, str]) -> Iterator[str]:
    """Values that no rule knows are said, not guessed at in silence."""
    enabled, kind = value.get("enabled", ""), value.get("kind", "")
    if _truth(enabled) not in (*_NO, *_YES) or (enabled and not _truth(enabled)):
        yield f"accountEnabled is {enabled!r}, which is neither yes nor no: taken as yes"
    if _folded(kind) not in (*_GUEST, *_MEMBER):
        yield f"userType is {kind!r}, neither Member nor Guest: taken as Member"


def _truth(text: str) -> str:
    return text if text in ("0", "1") else _folded(text)


def _folded(text: str) -> str:
    """Small Latin letters alone; the Vietnamese d with a stroke is not a d with an accent."""
    whole = unicodedata.normalize("NFC", text).casefold()
    return title_of(whole.replace("\u0111", "d"))
