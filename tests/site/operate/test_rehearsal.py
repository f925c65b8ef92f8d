"""The go-live rehearsal: the policy, asked of an export before anyone signs in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from allauth.socialaccount.models import SocialAccount
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import Settings

from accounts.models import RoleGrant, User
from accounts.operate import OperatorError, roles
from accounts.operate.entra_export import Exported, read_export, text_of
from accounts.operate.rehearsal import Foreseen, preview, rehearse
from accounts.operate.roles import Row
from accounts.signin import mapping
from accounts.signin.policy import Candidate, Rules
from tests.support.admins import browser_of
from tests.support.operators import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TENANT = "11111111-1111-4111-8111-111111111111"
OTHER = "22222222-2222-4222-8222-222222222222"
RULES = Rules(frozenset({TENANT}))
ADA = Exported(2, oid="aaaa", upn="ada@contoso.example", mail="ada@contoso.example", name="Ada")
USER = Candidate(1, "ada@contoso.example")
BOUND = replace(USER, identity=f"{TENANT}:aaaa")
HEADER = "id,userPrincipalName,mail,displayName,userType,accountEnabled"


def foresee(person: Exported, *users: Candidate, rules: Rules = RULES) -> Foreseen:
    return rehearse([person], users, rules, TENANT).people[0]


@pytest.mark.parametrize(
    ("sentence", "person", "user", "reason"),
    [
        ("a user with the address gets in", ADA, USER, ""),
        ("a bound identity gets in", ADA, BOUND, ""),
        ("it does under another address too", replace(ADA, mail="new@x.example"), BOUND, ""),
        ("an address in other case gets in", replace(ADA, mail="ADA@contoso.example"), USER, ""),
        ("without mail the UPN counts", replace(ADA, mail=""), USER, ""),
        ("with mail the UPN does not", replace(ADA, mail="x@x.example"), USER, "unknown_user"),
        ("nobody has neither", replace(ADA, mail="", upn=""), USER, "no_email"),
        ("a guest stays out", replace(ADA, is_guest=True), USER, "guest_not_allowed"),
        ("someone disabled at Entra too", replace(ADA, enabled=False), USER, "microsoft_refused"),
        ("someone inactive here too", ADA, replace(USER, is_active=False), "user_inactive"),
        ("someone who is not staff too", ADA, replace(USER, is_staff=False), "user_not_staff"),
        ("a user bound to another is taken", replace(ADA, oid="b"), BOUND, "identity_conflict"),
        ("without ids a bound user is theirs", replace(ADA, oid=""), BOUND, ""),
    ],
)
def test_it_says_what_the_policy_says(
    sentence: str, person: Exported, user: Candidate, reason: str
) -> None:
    assert foresee(person, user).reason == reason, sentence


def test_a_refusal_comes_with_its_fix() -> None:
    assert "staff add" in foresee(ADA).fix


def test_guests_get_in_where_they_may() -> None:
    rules = replace(RULES, allow_guests=True)
    assert foresee(replace(ADA, is_guest=True), USER, rules=rules).gets_in


def test_another_tenant_is_refused() -> None:
    assert rehearse([ADA], [USER], RULES, OTHER).people[0].reason == "wrong_tenant"


def test_a_domain_that_the_tenant_does_not_own_is_refused() -> None:
    rules = replace(RULES, domains={TENANT: frozenset({"fabrikam.example"})})
    assert foresee(ADA, USER, rules=rules).reason == "email_not_owned"


@pytest.mark.parametrize(
    ("person", "user", "note"),
    [
        (replace(ADA, mail="Ada@contoso.example"), USER, "differs only by case"),
        (replace(ADA, mail="new@contoso.example"), BOUND, "is linked to the user"),
        (ADA, replace(USER, email="ada@contoso.example "), "looks like the user"),
        (ADA, replace(USER, email="\uff41da@contoso.example"), "looks like the user"),
    ],
)
def test_what_a_person_should_look_at_is_noted(
    person: Exported, user: Candidate, note: str
) -> None:
    found = foresee(person, user)
    assert note in " ".join([found.detail, *found.notes])


def test_one_address_for_two_people_is_a_collision() -> None:
    twin = replace(ADA, line=3, oid="bbbb", mail="ADA@contoso.example")
    report = rehearse([ADA, twin], [USER], RULES, TENANT)
    assert [(c.emails, c.lines) for c in report.collisions] == [
        (("ADA@contoso.example", "ada@contoso.example"), (2, 3))
    ]
    assert "line 3" in " ".join(report.people[0].notes)


def test_users_whom_nobody_becomes_are_listed() -> None:
    eve = Candidate(2, "eve@contoso.example")
    off = Candidate(3, "off@contoso.example", is_active=False)
    assert rehearse([ADA], [USER, eve, off], RULES, TENANT).missing == (eve,)


def test_the_sum_counts_each_outcome() -> None:
    stranger = replace(ADA, line=3, oid="c", mail="c@x.example")
    assert rehearse([ADA, stranger], [USER], RULES, TENANT).counts() == {"in": 1, "unknown_user": 1}


@pytest.mark.parametrize(
    "text",
    [
        f"{HEADER}\naaaa,ada@contoso.example,ada@contoso.example,Ada,Member,True\n",
        f"\ufeff{HEADER}\r\naaaa,ada@contoso.example,ada@contoso.example,Ada,Member,True\r\n",
        HEADER.replace(",", ";").upper()
        + "\nAAAA;ada@contoso.example;ada@contoso.example;Ada;Member;TRUE\n",
        "Object Id\tUser principal name\tMail\tDisplay name\n"
        "aaaa\tada@contoso.example\tada@contoso.example\tAda\n",
    ],
)
def test_an_export_is_read_whatever_wrote_it(text: str) -> None:
    assert read_export(text) == (ADA,)


def test_what_powershell_puts_first_is_skipped() -> None:
    header = '#TYPE Microsoft.Graph.User\n"Mail","UserType","AccountEnabled"\n'
    text = header + '"a@x.example","Guest","False"\n'
    assert read_export(text) == (Exported(3, mail="a@x.example", is_guest=True, enabled=False),)


@pytest.mark.parametrize("text", ["", "\n", "name,department\nAda,R&D\n"])
def test_a_file_without_addresses_is_refused_in_words(text: str) -> None:
    with pytest.raises(OperatorError, match="userPrincipalName"):
        read_export(text)


def test_utf_16_is_read_and_other_bytes_are_refused() -> None:
    assert text_of("mail\n".encode("utf-16")) == "mail\n"
    with pytest.raises(OperatorError, match="UTF-8"):
        text_of(b"mail\n\xff\xfa")


@pytest.mark.django_db
def test_the_site_s_own_users_and_rules_are_asked() -> None:
    user = User.objects.create_user("ada@contoso.example")
    SocialAccount.objects.create(user=user, provider="microsoft", uid=f"{TENANT}:aaaa")
    report = preview(f"{HEADER}\nAAAA,,moved@contoso.example,Ada,Member,True\n")
    assert [person.user_id for person in report.people] == [user.pk]
    assert report.people[0].gets_in


@pytest.mark.django_db
def test_of_several_tenants_one_must_be_named(settings: Settings) -> None:
    settings.MICROSOFT_TENANT_ID = "organizations"
    settings.MICROSOFT_ALLOWED_TENANTS = frozenset({TENANT, OTHER})
    with pytest.raises(OperatorError, match="--tenant"):
        preview("mail\na@x.example\n")
    assert preview("mail\na@x.example\n", OTHER).people


@pytest.mark.django_db
def test_a_tenant_known_by_its_domain_needs_no_ids(settings: Settings) -> None:
    settings.MICROSOFT_TENANT_ID = "contoso.example"
    settings.MICROSOFT_ALLOWED_TENANTS = frozenset()
    user = User.objects.create_user("ada@contoso.example")
    SocialAccount.objects.create(user=user, provider="microsoft", uid=f"{TENANT}:aaaa")
    assert preview("id,mail\naaaa,ada@contoso.example\n").people[0].gets_in


# --- app roles: the dry run of a mapping ----------------------------------------------------------

ASSIGNED = """objectId,userPrincipalName,displayName,role
aaaa,ada@contoso.example,Ada,Staff
aaaa,ada@contoso.example,Ada,Superuser
bbbb,ben@contoso.example,Ben,Other
cccc,cyn@contoso.example,Cyn,
"""


@pytest.fixture
def mapped(transactional_db: None) -> Iterator[None]:
    User.objects.create_superuser("root@contoso.example")
    for name in ("ada", "ben", "cyn"):
        User.objects.create_user(f"{name}@contoso.example")
    roles.save(Row("Staff", True, False, ()))
    roles.save(Row("Superuser", False, True, ()))
    yield
    mapping.forget()


def test_an_export_of_assignments_has_a_line_for_each_role() -> None:
    assert [one.roles for one in read_export(ASSIGNED)] == [("Staff", "Superuser"), ("Other",), ()]
    assert [one.roles for one in read_export("mail\na@x.example\na@x.example\n")] == [None, None]
    assert [one.oid for one in read_export("PrincipalId,AppRole\naaaa,Staff\n")] == ["aaaa"]


@pytest.mark.parametrize("strict", [False, True])
def test_the_rehearsal_says_what_roles_would_make_of_people(
    mapped: None, settings: Settings, strict: bool
) -> None:
    settings.ROLES_REQUIRED = strict
    ada, ben, cyn = preview(ASSIGNED).people
    assert ada.gets_in
    assert "Staff, Superuser: staff becomes staff, superuser" in ada.notes
    refused = "role_missing" if strict else "user_not_staff"
    assert [ben.reason, cyn.reason] == [refused, refused]
    assert "no mapped role: staff becomes nothing" in ben.notes
    assert not User.objects.filter(email__startswith="ada", is_superuser=True).exists()
    assert not RoleGrant.objects.exists()


def test_a_file_without_roles_rehearses_as_before(mapped: None) -> None:
    assert preview("mail\nben@contoso.example\n").people[0].gets_in


def test_the_command_and_the_page_show_it(mapped: None, tmp_path: Path) -> None:
    file = tmp_path / "assigned.csv"
    file.write_text(ASSIGNED)
    assert "staff becomes staff, superuser" in run("staff", "preview", str(file), "--json")
    browser = browser_of(User.objects.get(email="root@contoso.example"))
    with file.open("rb") as opened:
        page = browser.post("/admin/accounts/rehearsal/", {"file": opened})
    assert "staff becomes staff, superuser" in page.content.decode()


DRAFT = "Other = staff, superuser\nStaff =\n"


def test_a_mapping_is_tried_before_it_is_saved(mapped: None, tmp_path: Path) -> None:
    file = tmp_path / "assigned.csv"
    file.write_text(ASSIGNED)
    found = preview(ASSIGNED, table=roles.drafted(roles.read_draft(DRAFT)))
    ada, ben, cyn = found.people
    assert "Staff, Superuser: staff becomes superuser" in ada.notes
    assert "Other: staff becomes staff, superuser" in ben.notes
    assert [ada.reason, ben.reason, cyn.reason] == ["user_not_staff", "", "user_not_staff"]
    told = run("staff", "preview", str(file), "--role", "Other=staff,superuser", "--json")
    assert "Other: staff becomes staff, superuser" in told
    browser = browser_of(User.objects.get(email="root@contoso.example"))
    with file.open("rb") as opened:
        page = browser.post("/admin/accounts/rehearsal/", {"file": opened, "draft": DRAFT})
    assert "Other: staff becomes staff, superuser" in page.content.decode()
    assert [row.value for row in roles.rows()] == ["Staff", "Superuser"]


@pytest.mark.parametrize(
    ("draft", "said"),
    [
        ("Editor", "has no “=”"),
        ("Editor = staff, Nobodies", "no group"),
        ("Admin staff = staff", "no role&#x27;s Value"),
    ],
)
def test_a_draft_that_cannot_be_read_says_why(mapped: None, draft: str, said: str) -> None:
    browser = browser_of(User.objects.get(email="root@contoso.example"))
    file = SimpleUploadedFile("people.csv", ASSIGNED.encode())
    page = browser.post("/admin/accounts/rehearsal/", {"file": file, "draft": draft})
    assert said in page.content.decode()
    both = {"file": SimpleUploadedFile("x", b"mail\n"), "draft": "A = staff", "link": "on"}
    text = browser.post("/admin/accounts/rehearsal/", both).content.decode()
    assert "Nobody is linked while app roles are only tried" in text
