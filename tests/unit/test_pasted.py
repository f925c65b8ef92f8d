"""Addresses are found in whatever people paste, and what is none is said to be none."""

import pytest

from accounts.operate import addresses
from accounts.operate.pasted import EMPTY_COLUMNS, NO_ADDRESS, read_people

J, R = "jane@contoso.example", "rick@contoso.example"
OID = "00000000-0000-4000-8000-000000000001"
JANE = [(J, "Jane Doe")]
BOTH = [(J, "Jane Doe"), (R, "Rick Roe")]

ROWS: dict[str, list[tuple[str, str]]] = {
    f"Doe, Jane <{J}>; Roe, Rick <{R}>": [(J, "Doe, Jane"), (R, "Roe, Rick")],
    f"Doe, Jane <{J}>; Roe, Rick <{R}>;": [(J, "Doe, Jane"), (R, "Roe, Rick")],
    f'"Doe, Jane" <{J}>, "Roe, Rick" <{R}>': [(J, "Doe, Jane"), (R, "Roe, Rick")],
    f"Jane Doe <{J}>, Rick Roe <{R}>": BOTH,
    f"Jane Doe <{J}> Rick Roe <{R}>": BOTH,
    f"'Jane Doe' <{J}>": JANE,
    f"Jane Doe ({J})": JANE,
    f"Jane Doe ({J}), Rick Roe ({R})": BOTH,
    f"{J} (Jane Doe)": JANE,
    f"{J} (Jane Doe), {R} (Rick Roe)": BOTH,
    f"Jane Doe {J}": JANE,
    f"Jane Doe {J}, Rick Roe {R}": BOTH,
    f"Jane Doe {J} Rick Roe {R}": BOTH,
    f"Doe, Jane {J}": [(J, "Doe, Jane")],
    f"{J}": [(J, "")],
    f"<{J}>": [(J, "")],
    f"{J},": [(J, "")],
    f"{J}.": [(J, "")],
    f"'{J}'": [(J, "")],
    f"mailto:{J}": [(J, "")],
    f"Jane Doe <mailto:{J}>": JANE,
    f"mailto:{J}?subject=Hello": [(J, "")],
    f"[{J}](mailto:{J})": [(J, ""), (J, "")],
    f"- {J}": [(J, "")],
    f"• Jane Doe <{J}>": JANE,
    f"•{J}": [(J, "")],
    f"* Jane Doe - {J}": JANE,
    f"1. {J}": [(J, "")],
    f"2) Jane Doe <{J}>": JANE,
    f"3 {J}": [(J, "")],
    f"(4) {J}": [(J, "")],
    f"To: Jane Doe <{J}>; Rick Roe <{R}>": BOTH,
    f"An: {J}; {R}": [(J, ""), (R, "")],
    f"{J} {R}": [(J, ""), (R, "")],
    f"{J};{R}": [(J, ""), (R, "")],
    f"{J}, {R}": [(J, ""), (R, "")],
    f"{J} and {R}": [(J, ""), (R, "")],
    f"{J}|{R}": [(J, ""), (R, "")],
    f"{J}, Jane Doe": JANE,
    f"{J};Jane Doe": JANE,
    f"{J} Jane Doe": JANE,
    f"{J} Jane Doe, {R} Rick Roe": BOTH,
    f"Jane Doe, {J}": JANE,
    f"Jane Doe: {J}": JANE,
    f"Sales,Jane Doe,{J}": JANE,
    f"{J},Jane Doe,Sales,Berlin": JANE,
    f"Jane Doe\t{J}\tSales\tBerlin": JANE,
    f"Sales\tJane Doe\t{J}\tBerlin": JANE,
    f"{J}\tJane Doe\tSales\t+49 30 1234": JANE,
    f"Jane\tDoe\t{J}\tSales": JANE,
    f"Jane Doe\tSales\t{J}": JANE,
    f"{J}\t1234\t2030-01-31": [(J, "")],
    f"17\tJane Doe\t{J}": JANE,
    f"Name\tEmail\nJane Doe\t{J}": JANE,
    f"displayName,userPrincipalName,mail\nJane Doe,{J},": JANE,
    f"displayName;userPrincipalName;mail\nJane Doe;jane_ext@x.example;{J}": JANE,
    f"Vorname;Nachname;E-Mail-Adresse\nJane;Doe;{J}": JANE,
    f"Nom affiché,Adresse e-mail\nJane Doe,{J}": [(J, "")],
    f'name,mail\n"Jane\nDoe",{J}': JANE,
    f'"Jane\nDoe" <{J}>': JANE,
    f'#TYPE Microsoft.User\n"DisplayName","Mail"\n"Jane Doe","{J}"': JANE,
    f"\ufeff{J}": [(J, "")],
    f"o'brien@contoso.example; {J}": [("o'brien@contoso.example", ""), (J, "")],
    f"Zoë Müller <{J}>": [(J, "Zoë Müller")],
    f"Jane\u202eDoe\u200b <{J}>": [(J, "JaneDoe")],
    f"  {J}  \n\n\n{R}": [(J, ""), (R, "")],
}


@pytest.mark.parametrize("pasted", ROWS)
def test_whatever_is_pasted_its_addresses_are_found(pasted: str) -> None:
    entries = list(read_people(pasted.split("\n")))
    assert [(entry.email, entry.name) for entry in entries] == ROWS[pasted]
    assert not any(entry.problem for entry in entries)


@pytest.mark.parametrize(
    ("pasted", "line", "problem"),
    [
        (f"{J}\nJane Doe\n{R}", 2, NO_ADDRESS),
        (f"{J}\nJane Doe\tSales", 2, NO_ADDRESS),
        ("jane at contoso.example", 1, NO_ADDRESS),
        (f"mail,userPrincipalName,displayName\n{J},,\n,,Jane Doe", 3, EMPTY_COLUMNS),
    ],
)
def test_what_names_nobody_comes_back_with_the_reason(pasted: str, line: int, problem: str) -> None:
    [bad] = [entry for entry in read_people(pasted.split("\n")) if entry.problem]
    assert (bad.line, bad.problem) == (line, problem)
    assert bad.text == pasted.split("\n")[line - 1]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (f"\u25a1 {J}", ""),
        (f"\u2610 Jane Doe {J}", "Jane Doe"),
        (f"\u2713 {J}", ""),
        (f"SMTP:{J}", ""),
        (f"UPN: {J}", ""),
        (f"Email: {J}", ""),
        (f"E-Mail={J}", ""),
        (f"\u201cJane Doe\u201d <{J}>", "Jane Doe"),
        (f"\u00abJane Doe\u00bb {J}", "Jane Doe"),
        (f"Jane Doe\uff1c{J}\uff1e", "Jane Doe"),
        (f"Jane\uff08{J}\uff09", "Jane"),
    ],
)
def test_signs_and_labels_around_are_no_part_of_it(line: str, name: str) -> None:
    [entry] = read_people([line])
    assert (entry.email, entry.name) == (J, name)


@pytest.mark.parametrize("title", ["id", "objectId", "Object ID", "oid", "AzureAD Object-Id"])
def test_a_column_holds_the_object_id(title: str) -> None:
    [entry] = read_people([f"{title},mail,tenantId", f"{OID},{J},t"])
    assert (entry.oid, entry.tenant) == (OID, "t")


@pytest.mark.parametrize(
    ("address", "named"),
    [
        ("jane\u200b@contoso.example", "U+200B ZERO WIDTH SPACE"),
        ("\u202ejane@contoso.example", "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("jane\u00ad@contoso.example", "U+00AD SOFT HYPHEN"),
        ("j\u0430ne@contoso.example", "U+0430 CYRILLIC SMALL LETTER A"),
        ("jane@c\u03bfntoso.example", "U+03BF GREEK SMALL LETTER OMICRON"),
        ("\uff4aane@contoso.example", "U+FF4A FULLWIDTH LATIN SMALL LETTER J"),
        ("jane@contoso\u2024example", "U+2024 ONE DOT LEADER"),
        ("m\u0131ke@contoso.example", "U+0131 LATIN SMALL LETTER DOTLESS I"),
        ("jane\u00a0@contoso.example", "U+00A0 NO-BREAK SPACE"),
        ("jane\u0301@contoso.example", "U+0301 COMBINING ACUTE ACCENT"),
        ("jane@contoso.example", ""),
        ("m\u00fcller@contoso.example", ""),
        ("o'brien+x@contoso.example", ""),
    ],
)
def test_an_invisible_or_look_alike_character_is_named(address: str, named: str) -> None:
    assert (named in addresses.problem_of(address)) if named else not addresses.problem_of(address)
