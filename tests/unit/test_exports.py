"""Exports of Entra in the languages its portal and Excel write them in."""

import pytest

from accounts.operate.entra_export import read_export, text_of, unjudged

EN = "userPrincipalName;mail;accountEnabled;userType"


@pytest.mark.parametrize(
    ("word", "enabled"),
    [
        *((word, False) for word in (
            "False", "FALSE", "no", "0", "FALSCH", "Falsch", "Nein", "FAUX", "Non", "FALSO", "No",
            "SAI", "Sai", "Kh\u00f4ng", "kho\u0302ng", "Disabled", "Deaktiviert",
            "D\u00e9sactiv\u00e9", "Deshabilitado", "T\u1eaft", "n", "off")),
        *((word, True) for word in (
            "True", "TRUE", "yes", "1", "WAHR", "Ja", "VRAI", "Oui", "VERDADERO", "S\u00ed",
            "\u0110\u00daNG", "\u0111\u00fang", "C\u00f3", "", "Enabled", "Aktiviert",
            "Activ\u00e9", "Habilitado", "B\u1eadt", "y", "on")),
    ],
)  # fmt: skip
def test_truth_is_read_in_the_words_of_the_file(word: str, enabled: bool) -> None:
    (person,) = read_export(f"{EN}\na@x.example;a@x.example;{word};Member")
    assert (person.enabled, person.unclear) == (enabled, ())


@pytest.mark.parametrize(("word", "enabled"), [("True", False), ("False", True), ("", True)])
def test_the_microsoft_365_admin_center_says_who_is_blocked(word: str, enabled: bool) -> None:
    file = f"Block credential,Display name,User principal name\n{word},Ada,a@x.example"
    assert read_export(file)[0].enabled == enabled
    assert not any(what.startswith("accountEnabled") for what in unjudged(file))


@pytest.mark.parametrize("word", ["Guest", "Gast", "Invit\u00e9", "Invitado", "Kh\u00e1ch"])
def test_guests_are_guests_in_any_language(word: str) -> None:
    assert read_export(f"{EN}\na@x.example;;true;{word}")[0].is_guest


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("maybe;Member", "accountEnabled"),
        ("?;Member", "accountEnabled"),
        ("true;Robot", "userType"),
    ],
)
def test_what_no_rule_knows_is_said(line: str, why: str) -> None:
    (person,) = read_export(f"{EN}\na@x.example;;{line}")
    assert why in person.unclear[0]


@pytest.mark.parametrize(
    "titles",
    [
        "Benutzerprinzipalname;E-Mail-Adresse;Konto aktiviert;Benutzertyp;Objekt-ID",
        "Nom principal d'utilisateur;Courriel;Compte activ\u00e9;Type d'utilisateur;ID d'objet",
        "Nombre principal de usuario;Correo electr\u00f3nico;Cuenta habilitada;Tipo de usuario;"
        "ID de objeto",
        "T\u00ean ch\u00ednh c\u1ee7a ng\u01b0\u1eddi d\u00f9ng;Th\u01b0 \u0111i\u1ec7n t\u1eed;"
        "T\u00e0i kho\u1ea3n \u0111\u01b0\u1ee3c b\u1eadt;Lo\u1ea1i ng\u01b0\u1eddi d\u00f9ng;"
        "ID \u0111\u1ed1i t\u01b0\u1ee3ng",
        "userPrincipalName;mail;accountEnabled;userType;id",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_titles_are_understood(titles: str, encoding: str) -> None:
    raw = f"{titles}\r\nupn@x.example;mail@x.example;0;Guest;ABC\r\n".encode(encoding)
    text = text_of(raw)
    assert unjudged(text) == ()
    (person,) = read_export(text)
    assert (person.upn, person.mail, person.oid) == ("upn@x.example", "mail@x.example", "abc")
    assert (person.enabled, person.is_guest) == (False, True)


def test_excels_own_first_line_is_skipped() -> None:
    assert read_export("sep=;\nmail;id\na@x.example;1")[0].line == 3


def test_what_is_not_there_is_named() -> None:
    named = [what.partition(":")[0] for what in unjudged("mail\na@x.example")]
    assert named == ["id", "userPrincipalName", "userType", "accountEnabled"]
