"""Read users exported from Entra as CSV: the portal's bulk download, PowerShell's, or Graph's.

Column titles vary in case, spaces and prefix; the file is UTF-8, or UTF-16 with a byte order mark,
and separated by commas, semicolons or tabs.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as noop

from . import OperatorError, columns
from .columns import delimiter_of, folded_title, lines_from_titles

_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    **{key: columns.OF_PEOPLE[key] for key in ("oid", "upn", "mail", "name")},
    "kind": ("usertype", "benutzertyp", "typedutilisateur", "typeutilisateur", "tipodeusuario",
             "loainguoidung"),
    "enabled": ("accountenabled", "enabled", "kontoaktiviert", "aktiviert", "compteactive",
                "cuentahabilitada", "habilitado", "habilitada", "taikhoanduocbat",
                "dabattaikhoan", "taikhoandabat"),
    # The Microsoft 365 admin center has it the other way around.
    "blocked": ("blockcredential", "signinblocked", "blocksignin", "anmeldungblockiert",
                "connexionbloquee", "iniciodesesionbloqueado"),
    "roles": ("roles", "role", "approles", "approle", "approlevalue", "roleassigned"),
}  # fmt: skip
_NO: Final = ("false", "no", "0", "n", "f", "off", "disabled", "inactive", "falsch", "nein",
              "deaktiviert", "inaktiv", "gesperrt", "faux", "non", "desactive", "inactif", "falso",
              "deshabilitado", "desactivado", "inactivo", "sai", "khong", "tat")  # fmt: skip
_YES: Final = ("", "true", "yes", "1", "y", "t", "on", "enabled", "active", "wahr", "ja",
               "aktiviert", "aktiv", "vrai", "oui", "actif", "verdadero", "si", "habilitado",
               "activado", "activo", "dung", "co", "bat")  # fmt: skip
_GUEST: Final = ("guest", "gast", "invite", "invitee", "invitado", "invitada", "khach")
_MEMBER: Final = ("", "member", "mitglied", "membre", "miembro", "thanhvien")
# What cannot be judged without each column.
_UNJUDGED: Final[Mapping[str, str]] = {
    "oid": noop("id: whether people who are linked already are the same"),
    "upn": noop("userPrincipalName: people without a mail"),
    "mail": noop("mail: people are judged by their userPrincipalName"),
    "kind": noop("userType: who is a guest"),
    "enabled": noop("accountEnabled: who is blocked at Microsoft"),
}
_ZIP: Final = b"PK\x03\x04"  # how an .xlsx begins
_SEPARATED: Final = re.compile(r"[^\s,;]+")  # a Value has no spaces


@dataclass(frozen=True, slots=True)
class Exported:
    """One person of the file; `oid` is "" without an id column."""

    line: int
    oid: str = ""
    upn: str = ""
    mail: str = ""
    name: str = ""
    is_guest: bool = False
    enabled: bool = True
    unclear: tuple[str, ...] = ()  # values that are not understood
    roles: tuple[str, ...] | None = None  # None: the file has no such column


def text_of(raw: bytes) -> str:
    """The decoded text of the file. Raises OperatorError."""
    if raw.startswith(_ZIP):
        raise OperatorError(_("The file is an Excel workbook: save it as CSV UTF-8."))
    wide = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return raw.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        text = _("The file is neither UTF-8 nor UTF-16: save it as CSV UTF-8.")
        raise OperatorError(text) from None


def read_export(text: str) -> tuple[Exported, ...]:
    """Everyone in the file. Raises OperatorError when a needed column is missing."""
    lines, skipped = lines_from_titles(text)
    rows = csv.reader(lines, delimiter=delimiter_of(lines[0] if lines else ""))
    try:
        at = _columns(next(rows, []))
        found = [_exported(rows.line_num + skipped, row, at) for row in rows if any(row)]
    except csv.Error as error:
        text = _("Line %(line)d is not CSV: %(why)s.")
        values = {"line": rows.line_num + skipped, "why": error}
        raise OperatorError(text % values) from None
    return tuple(_merged(found))


def unjudged(text: str) -> tuple[str, ...]:
    """The columns that the file lacks, and what each is for. Raises OperatorError."""
    lines, _skipped = lines_from_titles(text)
    header = lines[0] if lines else ""
    at = _columns(next(csv.reader([header], delimiter=delimiter_of(header)), []))
    judged = {*at, "enabled"} if "blocked" in at else at
    return tuple(_(what) for column, what in _UNJUDGED.items() if column not in judged)


def _merged(found: Iterable[Exported]) -> Iterable[Exported]:
    """An export of role assignments has a line for each role: one person has several."""
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
    found = columns.indexes(header, _COLUMNS)
    is_of_assignments = {"oid", "roles"} <= set(found)
    if not {"mail", "upn"} & set(found) and not is_of_assignments:
        text = _(
            "The first line names neither a column mail nor userPrincipalName. Export with:"
            " %(columns)s."
        )
        wanted = "id, userPrincipalName, mail, displayName, userType, accountEnabled"
        raise OperatorError(text % {"columns": wanted})
    return found


def _exported(line: int, row: list[str], at: Mapping[str, int]) -> Exported:
    value = {field: row[index].strip() for field, index in at.items() if index < len(row)}
    return Exported(
        line=line,
        oid=value.get("oid", "").lower(),
        upn=value.get("upn", ""),
        mail=value.get("mail", ""),
        name=value.get("name", ""),
        is_guest=folded_title(value.get("kind", "")) in _GUEST,
        enabled=_truth(value.get("enabled", "")) not in _NO and not _is_blocked(value),
        unclear=tuple(_unclear(value)),
        roles=tuple(_SEPARATED.findall(value.get("roles", ""))) if "roles" in at else None,
    )


def _unclear(value: Mapping[str, str]) -> Iterator[str]:
    """Notes on values that are not understood, so that no guess is silent."""
    enabled, kind = value.get("enabled", ""), value.get("kind", "")
    if _truth(enabled) not in (*_NO, *_YES) or (enabled and not _truth(enabled)):
        text = _("accountEnabled is %(value)s, which is neither yes nor no: taken as yes")
        yield text % {"value": repr(enabled)}
    if folded_title(kind) not in (*_GUEST, *_MEMBER):
        text = _("userType is %(value)s, neither Member nor Guest: taken as Member")
        yield text % {"value": repr(kind)}


def _is_blocked(value: Mapping[str, str]) -> bool:
    blocked = _truth(value.get("blocked", ""))
    return bool(blocked) and blocked in _YES


def _truth(text: str) -> str:
    return text if text in ("0", "1") else folded_title(text)
