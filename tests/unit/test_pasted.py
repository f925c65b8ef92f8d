"""Addresses are found in whatever people paste, and what is none is said to be none."""

import time

import pytest

from accounts.operate import addresses
from accounts.operate.pasted import EMPTY_COLUMNS, NO_ADDRESS, SPELLED_OUT, read_people

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
    f"[{J}](mailto:{J})": [(J, "")],
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
    f"Nom affiché,Adresse e-mail\nJane Doe,{J}": JANE,
    f'name,mail\n"Jane\nDoe",{J}': JANE,
    f'"Jane\nDoe" <{J}>': JANE,
    f'#TYPE Microsoft.User\n"DisplayName","Mail"\n"Jane Doe","{J}"': JANE,
    f"\ufeff{J}": [(J, "")],
    f"o'brien@contoso.example; {J}": [("o'brien@contoso.example", ""), (J, "")],
    f"Zoë Müller <{J}>": [(J, "Zoë Müller")],
    f"Jane\u202eDoe\u200b <{J}>": [(J, "JaneDoe")],
    f"{J}/{R}": [(J, ""), (R, "")],
    f"{J} / {R}": [(J, ""), (R, "")],
    f"Jane Doe {J}/Rick Roe {R}": BOTH,
    f'<a href="mailto:{J}">Jane Doe</a>': JANE,
    f'<a href="mailto:{J}">{J}</a>': [(J, "")],
    f"<a href='mailto:{J}?subject=x&amp;body=y'>Jane Doe</a>": JANE,
    f'<li><a href="mailto:{J}">Jane Doe</a>, <a href="mailto:{R}">Rick Roe</a></li>': BOTH,
    f"<td>Jane Doe</td><td>{J}</td>": JANE,
    f"Jane Doe &lt;{J}&gt;": JANE,
    f"Jane Doe &lt;{J}&gt;; Rick Roe &lt;{R}&gt;": BOTH,
    f"O&#39;Neil, Jane &lt;{J}&gt;": [(J, "O'Neil, Jane")],
    f"a) {J}": [(J, "")],
    f"a) Jane Doe {J}": JANE,
    f"#1 Jane Doe {J}": JANE,
    f"#1: {J}": [(J, "")],
    f"No. 1 {J}": [(J, "")],
    f"iv. {J}": [(J, "")],
    f"[x] {J}": [(J, "")],
    f"- [ ] Jane Doe {J}": JANE,
    f"- [x] Jane Doe {J}": JANE,
    f"To: Jane Doe <{J}> Cc: Rick Roe <{R}>": BOTH,
    f"To: {J}; Cc: {R}": [(J, ""), (R, "")],
    f"Von: {J} An: {R}": [(J, ""), (R, "")],
    f"To: Jane Doe {J}, Bcc: Rick Roe {R}": BOTH,
    f"Jane,Doe,{J}": JANE,
    f"Jane;Doe;{J}": JANE,
    f"Jane,Doe,{J}\nRick,Roe,{R}": BOTH,
    f"{J},Jane,Doe": JANE,
    f"1,Jane,Doe,{J}": JANE,
    f"Doe,Jane,{J}": [(J, "Doe Jane")],
    f"Jane Doe (Guest) <{J}>": JANE,
    f"Jane Doe (Gast) <{J}>; Rick Roe (External) <{R}>": BOTH,
    f"Jane Doe (Contoso) <{J}>": [(J, "Jane Doe (Contoso)")],
    f"Jane Doe (She/Her) <{J}>": JANE,
    f'"Doe; Jane" <{J}>; Rick Roe <{R}>': [(J, "Doe; Jane"), (R, "Rick Roe")],
    f'"Doe; Jane (IT)" <{J}>': [(J, "Doe; Jane (IT)")],
    f'"Doe, Jane" {J}': [(J, "Doe, Jane")],
    "jane@contoso": [("jane@contoso", "")],
    "jane@münchen.example": [("jane@münchen.example", "")],
    "jane@xn--mnchen-3ya.example": [("jane@xn--mnchen-3ya.example", "")],
    "Jane Doe <jane+entra@contoso.example>": [("jane+entra@contoso.example", "Jane Doe")],
    "O'Neil@contoso.example": [("O'Neil@contoso.example", "")],
    "Sean O'Neil <sean.o'neil@contoso.example>": [("sean.o'neil@contoso.example", "Sean O'Neil")],
    "'sean.o'neil@contoso.example'": [("sean.o'neil@contoso.example", "")],
    f"“Doe, Jane” <{J}>": [(J, "Doe, Jane")],
    f"‘{J}’": [(J, "")],
    f"„{J}“": [(J, "")],
    f"\u2060Jane Doe <{J}>\ufeff": JANE,
    f"{J}..": [(J, "")],
    f"{J}?": [(J, "")],
    f"{J}!!": [(J, "")],
    f"({J}).": [(J, "")],
    f"{J}…": [(J, "")],
    f"{J}。": [(J, "")],
    f"...{J}": [(J, "")],
    f"Vorname\tNachname\tE-Mail\nJane\tDoe\t{J}": JANE,
    f"Prénom\tNom\tCourriel\nJane\tDoe\t{J}": JANE,
    f"Nombre\tApellidos\tCorreo electrónico\nJane\tDoe\t{J}": JANE,
    f"Họ tên\tĐịa chỉ email\nJane Doe\t{J}": JANE,
    f"Họ\tTên\tThư điện tử\nDoe\tJane\t{J}": JANE,
    f"Nom;Prénom;Adresse de messagerie\nDoe;Jane;{J}": JANE,
    f"Nombre para mostrar;Nombre principal de usuario\nJane Doe;{J}": JANE,
    f"Anzeigename;Benutzerprinzipalname;E-Mail\nJane Doe;{J};": JANE,
    f"sep=;\ndisplayName;mail\nJane Doe;{J}": JANE,
    f"| Name | Email |\n| --- | --- |\n| Jane Doe | {J} |\n| Rick Roe | {R} |": BOTH,
    f"| {J} | Jane Doe |": JANE,
    f"**Jane Doe** <{J}>": JANE,
    f"[Jane Doe](mailto:{J})": JANE,
    f"<mailto:{J}>": [(J, "")],
    f"Jane Doe<mailto:{J}>": JANE,
    f"Jane Doe [mailto:{J}]": JANE,
    f"Jane Doe <{J}<mailto:{J}>>": JANE,
    f"> Jane Doe <{J}>": JANE,
    f"– Jane Doe – {J}": JANE,
    f"● {J}": [(J, "")],
    f"→ {J}": [(J, "")],
    f"{J}; JANE@CONTOSO.EXAMPLE": [(J, ""), ("JANE@CONTOSO.EXAMPLE", "")],
    f'{{"displayName": "Jane Doe", "mail": "{J}"}}': JANE,
    f"SMTP:{J};smtp:jd@contoso.example": [(J, ""), ("jd@contoso.example", "")],
    f"https://contoso.example/?u={J}": [(J, "")],
    f"Jane\xa0Doe\xa0<{J}>": JANE,
    f"Jane Doe\u3000{J}": JANE,
    f"Jane Doe via Teams <{J}>": [(J, "Jane Doe via Teams")],
    f"1⃣ {J}": [(J, "")],
    f"① {J}": [(J, "")],
    f"Jane Doe: {J}; Rick Roe: {R}": BOTH,
    f"Jane Doe = {J}": JANE,
    f"Jane Doe ~ {J}": JANE,
    f"Jane Doe @ {J}": JANE,
    "jane.doe_contoso.com#EXT#@fabrikam.onmicrosoft.com": [
        ("jane.doe_contoso.com#EXT#@fabrikam.onmicrosoft.com", "")
    ],
    f"Jane Doe, Head of IT, {J}": JANE,
    f"Dr. Jane Doe {J}": [(J, "Dr. Jane Doe")],
    f"{J} {OID}": [(J, "")],
    f"Jane Doe\t{J}\t{OID}": JANE,
    f"  {J}  \n\n\n{R}": [(J, ""), (R, "")],
}

# What is longer than a line of this file.
CARD = "BEGIN:VCARD\nVERSION:3.0\nN:{}\nEMAIL;TYPE=INTERNET:{}\nEND:VCARD"
DOCUMENTS: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "Entra's export, a mail empty, a name in two lines": (
        f'\ufeff"id","displayName","mail","userPrincipalName"\n"{OID}","Jane\nDoe","","{J}"\n'
        f'"{OID}","Rick Roe","{R}","rick@sub.contoso.example"',
        BOTH,
    ),
    "a vCard": (f"{CARD.format('Doe;Jane;;;', J)}\n{CARD.format('Roe;Rick;;;', R)}", BOTH),
    "a vCard of an iPhone": (
        f"BEGIN:VCARD\nFN:Jane Doe\nitem1.EMAIL;type=pref:{J}\nTEL:+4930\nEND:VCARD",
        JANE,
    ),
    "LDIF": (
        f"dn: CN=Jane Doe,OU=Staff\nmail: {J}\ncn: Jane Doe\nuserPrincipalName: j@x.example\n\n"
        f"dn: CN=Rick\nmail: {R}",
        [(J, "Jane Doe"), (R, "")],
    ),
    "LDIF with base64 and a line that goes on": (
        f"# staff\ndn: CN=Zo,\n OU=Staff\ndisplayName:: Wm/DqyBEb2U=\nmail: {J}",
        [(J, "Zoë Doe")],
    ),
    "PowerShell's list": (
        f"\nDisplayName       : Jane Doe\nUserPrincipalName : {J}\n\n"
        f"DisplayName       : Rick Roe\nUserPrincipalName : {R}\n",
        BOTH,
    ),
    "a form's fields": (f"Name: Jane Doe\nEmail: {J}\nName: Rick Roe\nEmail: {R}", BOTH),
    "Graph's JSON": (
        f'{{"value": [{{"displayName": "Jane Doe", "mail": null, "userPrincipalName": "{J}"}},\n'
        f' {{"displayName": "Rick Roe", "mail": "{R}"}}]}}',
        BOTH,
    ),
    "a table of Markdown, more columns": (
        f"| Name | Team | Mail |\n|:--|---|--:|\n| Jane Doe | IT | {J} |\n| Rick Roe | HR | {R} |",
        BOTH,
    ),
    "a mail's head": (f"From: Jane Doe <{J}>\nTo: Rick Roe <{R}>", BOTH),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_whole_document_is_read(name: str) -> None:
    text, people = DOCUMENTS[name]
    entries = list(read_people(text.split("\n")))
    assert [(entry.email, entry.name) for entry in entries] == people
    assert not any(entry.problem for entry in entries)


@pytest.mark.parametrize(
    ("text", "oids"),
    [
        (f"id,mail\n{OID},{J}", [OID]),
        (f'[{{"id": "{OID}", "mail": "{J}"}}]', [OID]),
        (f"DisplayName : Jane\nObjectId : {OID}\nMail : {J}", [OID]),
        (f"Jane Doe\t{J}\t{OID}", [""]),  # of whatever it is the ID
    ],
)
def test_an_object_id_counts_where_it_is_called_so(text: str, oids: list[str]) -> None:
    assert [entry.oid for entry in read_people(text.split("\n"))] == oids


@pytest.mark.parametrize(
    "text",
    [
        "a" * 90_000,
        "a" * 300_000,
        "a:" + " " * 90_000,
        '"' * 100_000,
        "<a " * 60_000,
        "@" * 100_000,
        "a@" * 90_000,
    ],
)
def test_a_line_that_is_hostile_takes_no_time(text: str) -> None:
    began = time.process_time()
    assert not [entry for entry in read_people([text]) if not entry.problem]
    assert time.process_time() - began < 5


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
        ("jane@", 1, NO_ADDRESS),
        ("@jane", 1, NO_ADDRESS),
        ("jane at contoso.example", 1, SPELLED_OUT),
        ("jane at contoso dot example", 1, SPELLED_OUT),
        ("jane (at) contoso (dot) example", 1, SPELLED_OUT),
        ("jane[at]contoso[dot]example", 1, SPELLED_OUT),
        ("Jane Doe: jane AT contoso.example", 1, SPELLED_OUT),
        ("meet at noon. Bye", 1, NO_ADDRESS),
        (f"mail,userPrincipalName,displayName\n{J},,\n,,Jane Doe", 3, EMPTY_COLUMNS),
    ],
)
def test_what_names_nobody_comes_back_with_the_reason(pasted: str, line: int, problem: str) -> None:
    [bad] = [entry for entry in read_people(pasted.split("\n")) if entry.problem]
    assert (bad.line, bad.problem) == (line, problem)
    assert bad.text == pasted.split("\n")[line - 1]


def test_a_record_without_an_address_comes_back_whole() -> None:
    text = f"Name: Jane Doe\nEmail:\n\nName: Rick Roe\nEmail: {R}"
    bad, good = read_people(text.split("\n"))
    assert (bad.problem, bad.text, good.email) == (EMPTY_COLUMNS, "Name: Jane Doe\nEmail:", R)


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


@pytest.mark.parametrize(
    "text", ["jane\uff20contoso.example", f"{J}\u200b", f"\u200b{J}", "a@b@c.example"]
)
def test_a_wrong_character_is_found_to_be_refused_with_its_name(text: str) -> None:
    """Left out, it would be somebody else's address."""
    assert [entry.email for entry in read_people([f"Jane Doe <{text}>"])] == [text]


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
        ("jane\uff20contoso.example", "U+FF20 FULLWIDTH COMMERCIAL AT"),
        ("jane@contoso.example\u200b", "U+200B ZERO WIDTH SPACE"),
        ("\u2060jane@contoso.example", "U+2060 WORD JOINER"),
        ("jane@contoso.example", ""),
        ("m\u00fcller@contoso.example", ""),
        ("o'brien+x@contoso.example", ""),
    ],
)
def test_an_invisible_or_look_alike_character_is_named(address: str, named: str) -> None:
    assert (named in addresses.problem_of(address)) if named else not addresses.problem_of(address)
