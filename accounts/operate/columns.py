"""Column titles in lists of people from Entra, Active Directory, address books and Excel.

In English, German, French, Spanish and Vietnamese.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

OF_PEOPLE: Final[Mapping[str, tuple[str, ...]]] = {
    "oid": ("id", "oid", "objectid", "azureadobjectid", "externaldirectoryobjectid", "principalid",
            "objektid", "iddobjet", "iddelobjet", "iddelobjeto", "iddeobjeto", "idoituong",
            "iddoituong"),
    "upn": ("userprincipalname", "upn", "signinname", "username", "benutzerprinzipalname",
            "nomprincipaldutilisateur", "nomprincipaldelutilisateur", "nomdutilisateurprincipal",
            "nombreprincipaldeusuario", "nombreprincipaldelusuario", "tenchinhcuanguoidung",
            "tennguoidungchinh"),
    "mail": ("mail", "email", "emailaddress", "primarysmtpaddress", "emailadresse", "courriel",
             "courrier", "adressedemessagerie", "adresseemail", "adressemail", "correo",
             "correoelectronico", "direcciondecorreoelectronico", "direcciondecorreo", "thu",
             "thudientu", "diachiemail", "diachithudientu", "address"),
    "name": ("displayname", "name", "fullname", "principaldisplayname", "anzeigename", "vollername",
             "nomcomplet", "nomafficher", "nomaafficher", "nomaffiche", "nomdaffichage",
             "nombreparamostrar", "nombremostrado", "nombrecompleto", "tenhienthi", "hoten",
             "hovaten", "fn", "cn", "commonname"),
    "given": ("givenname", "firstname", "vorname", "prenom", "nombre", "ten"),
    "family": ("surname", "lastname", "familyname", "sn", "nachname", "nom", "nomdefamille",
               "apellidos", "apellido", "ho"),
    "tenant": ("tid", "tenant", "tenantid", "mandant", "locataire", "inquilino"),
}  # fmt: skip


def folded_title(cell: str) -> str:
    """A title for comparison: lower-case ASCII letters and nothing else."""
    # U+0111, the Vietnamese d with a stroke, is no composed character: NFKD leaves it.
    plain = unicodedata.normalize("NFKD", cell.casefold().replace("\u0111", "d"))
    return "".join(c for c in plain if c.isascii() and c.isalpha())


def indexes(titles: Iterable[str], known: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
    """The index of each known column that is present."""
    folded = [folded_title(title) for title in titles]
    found = {
        key: next((folded.index(name) for name in names if name in folded), -1)
        for key, names in known.items()
    }
    return {key: at for key, at in found.items() if at >= 0}


def field_of(title: str) -> str:
    """The key in OF_PEOPLE of a field with this title, or ""."""
    plain = folded_title(title)
    return next((key for key, names in OF_PEOPLE.items() if plain in names), "")


def delimiter_of(text: str) -> str:
    """The delimiter of a line of CSV: the most frequent of comma, semicolon and tab."""
    return max(",;\t", key=text.count)


def lines_from_titles(text: str) -> tuple[list[str], int]:
    """The lines from the titles on, and how many precede them: PowerShell's #TYPE, Excel's sep=."""
    lines: Sequence[str] = text.lstrip("\ufeff").splitlines()
    skipped = 1 if lines and lines[0].lower().startswith(("#type", "sep=")) else 0
    return list(lines[skipped:]), skipped
