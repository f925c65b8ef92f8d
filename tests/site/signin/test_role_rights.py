"""App roles become rights at sign-in, over the whole way: promoted, demoted, unknown, strict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts import registration
from accounts.models import (
    AuditEntry,
    AuditText,
    BreakGlassLink,
    RoleGrant,
    RoleMapping,
    RolesSeen,
    SignIn,
    User,
)
from accounts.operate import roles
from accounts.operate.doctor.probes import roles as doctors_roles
from accounts.operate.roles import Row
from accounts.signin import mapping
from tests.emulator.ids import CLIENT_ID
from tests.emulator.people import MAPPED_GROUP, WITH_ROLES
from tests.emulator.person import sign_in_as
from tests.support.doctoring import by_id
from tests.support.operators import fail, run, run_json
from tests.support.visitor import START

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.emulator.server import Emulator

pytestmark = pytest.mark.django_db(transaction=True)

EMAIL = "staff@contoso.example"


@pytest.fixture(autouse=True)
def _fresh_mapping() -> Iterator[None]:
    """Each process remembers mapping and app; the database is emptied under it."""
    registration.changed()
    mapping.forget()
    yield
    mapping.forget()


@pytest.fixture
def other(transactional_db: None) -> User:
    """Another superuser, so that nobody is the last."""
    return User.objects.create_superuser("other@contoso.example")


@pytest.fixture
def person(other: User) -> User:
    return User.objects.create_user(EMAIL)


@pytest.fixture
def editors(transactional_db: None) -> Group:
    return Group.objects.create(name="Editors")


def map_roles(*rows: Row) -> None:
    for row in rows:
        roles.save(row)


STAFF, SUPER = Row("Staff", True, False, ()), Row("Superuser", True, True, ())


def sign_in(emulator: Emulator, *names: str, client: Client | None = None, **claims: Any) -> str:
    """The reason of a refusal, or "" for who is in."""
    emulator.do("reset")
    given = {"roles": list(names)} if names else {}
    emulator.tamper(claims={**given, **claims})
    browser = client or Client()
    browser.post(START, {})
    there = sign_in_as(browser.post(START).headers["Location"], "staff", quick=True)
    answer = browser.get(there)
    return "" if answer.status_code == 302 else SignIn.objects.latest().reason


def rights(user: User) -> tuple[bool, bool, list[str]]:
    user.refresh_from_db()
    names = sorted(user.groups.values_list("name", flat=True))
    return user.is_staff, user.is_superuser, names


def test_a_role_gives_and_its_absence_takes(
    emulator: Emulator, person: User, editors: Group
) -> None:
    map_roles(SUPER, Row("Staff", True, False, ("Editors",)))
    User.objects.filter(pk=person.pk).update(is_staff=False)
    assert sign_in(emulator, "Staff", "Superuser", "Other") == ""
    assert rights(person) == (True, True, ["Editors"])
    assert sign_in(emulator, "Staff") == ""
    assert rights(person) == (True, False, ["Editors"])
    assert sign_in(emulator) == "user_not_staff"
    assert rights(person) == (False, False, [])
    notes = [text.content.get("note") for text in AuditText.objects.all() if text.content]
    assert "app roles: Staff, Superuser" in notes
    assert AuditEntry.objects.filter(action="person.rights_changed").count() >= 3


def test_whoever_is_demoted_with_an_open_session_loses_it_on_the_next_request(
    emulator: Emulator, person: User
) -> None:
    map_roles(STAFF, SUPER)
    open_one = Client()
    assert sign_in(emulator, "Staff", client=open_one) == ""
    assert open_one.get("/admin/").status_code == 200
    assert sign_in(emulator, "Other") == "user_not_staff"
    assert open_one.get("/admin/").status_code == 302


def test_with_nothing_mapped_roles_change_nothing_and_cost_nothing(
    emulator: Emulator, person: User
) -> None:
    assert sign_in(emulator, "Superuser") == ""
    assert rights(person) == (True, False, [])
    assert not RoleGrant.objects.exists()


def test_a_group_that_went_behind_our_back_keeps_nobody_out(
    emulator: Emulator, person: User, editors: Group
) -> None:
    RolesSeen.objects.create(client_id=CLIENT_ID)
    map_roles(Row("Staff", True, False, ("Editors",)))
    assert mapping.table().managed.groups == {editors.pk}  # and that is kept for a while
    RoleMapping.groups.through.objects.all().delete()
    Group.objects.filter(pk=editors.pk)._raw_delete("default")
    assert sign_in(emulator, "Staff") == ""
    assert rights(person) == (True, False, [])


def test_taking_the_last_role_out_takes_back_what_it_gave_and_no_more(
    emulator: Emulator, person: User, editors: Group
) -> None:
    map_roles(Row("Staff", True, False, ("Editors",)))
    assert sign_in(emulator, "Staff") == ""
    by_hand = Group.objects.create(name="By hand")
    person.groups.add(by_hand)
    roles.remove("Staff")
    [foreseen] = roles.preview()
    assert (foreseen.now, foreseen.then) == ("staff, By hand, Editors", "By hand")
    assert sign_in(emulator, "Staff") == "user_not_staff"
    assert "nothing is mapped any more" in SignIn.objects.latest().detail
    assert rights(person) == (False, False, ["By hand"])
    User.objects.filter(pk=person.pk).update(is_staff=True)
    assert sign_in(emulator, "Staff") == ""


@pytest.mark.parametrize(
    "claims", [{"_claim_names": {"groups": "src1"}}, {"roles": "Staff"}, {"hasgroups": True}, {}]
)
def test_what_cannot_be_told_gives_nothing_and_takes_nothing(
    claims: dict[str, Any], emulator: Emulator, person: User
) -> None:
    map_roles(STAFF, SUPER)
    User.objects.filter(pk=person.pk).update(is_superuser=True)
    assert sign_in(emulator, **claims) == ""
    assert rights(person) == (True, True, [])
    assert "rights stay as they were" in SignIn.objects.latest().detail


def test_another_registration_without_roles_changes_nobody(
    emulator: Emulator, person: User
) -> None:
    """The roles are on the registration of before: no token of the new one ever had any."""
    map_roles(SUPER)
    User.objects.filter(pk=person.pk).update(is_superuser=True)
    for _ in range(2):
        assert sign_in(emulator) == ""
    assert rights(person) == (True, True, [])


def test_the_last_superuser_stays_one(emulator: Emulator, person: User, other: User) -> None:
    map_roles(STAFF, SUPER)
    other.delete()
    assert sign_in(emulator, "Superuser") == ""
    assert sign_in(emulator, "Other") == ""
    assert rights(person) == (True, True, [])
    assert "the last active superuser stays one" in SignIn.objects.latest().detail


def test_the_preview_keeps_the_last_superuser_as_a_sign_in_does(person: User, other: User) -> None:
    map_roles(STAFF, SUPER)
    grant = {"state": "known", "roles": ["Superuser"], "staff": True, "superuser": True}
    for one in (other, person):
        User.objects.filter(pk=one.pk).update(is_staff=True, is_superuser=True)
        RoleGrant.objects.create(user=one, **grant)
    lost, kept = roles.preview(remove="Superuser")
    assert (lost.email, lost.then) == ("other@contoso.example", "nothing")
    assert (kept.email, kept.then) == (EMAIL, "staff, superuser (the last superuser)")
    now = timezone.now()
    BreakGlassLink.objects.create(user=other, token_hash="x", expires_at=now, used_at=now)
    kept, lost = roles.preview(remove="Superuser")
    assert kept.then == "staff, superuser (in by a break-glass link)"
    assert lost.then == "nothing"


def test_the_last_superuser_stays_staff_where_the_mapping_gives_staff_only(
    emulator: Emulator, person: User, other: User
) -> None:
    map_roles(STAFF)
    other.delete()
    User.objects.filter(pk=person.pk).update(is_staff=True, is_superuser=True)
    for role in ("Staff", "Other"):
        assert sign_in(emulator, role) == ""
    assert rights(person) == (True, True, [])


def test_nothing_is_taken_from_who_came_in_by_a_break_glass_link(
    emulator: Emulator, person: User
) -> None:
    map_roles(STAFF, SUPER)
    assert sign_in(emulator, "Superuser") == ""
    now = timezone.now()
    BreakGlassLink.objects.create(user=person, token_hash="x", expires_at=now, used_at=now)
    assert sign_in(emulator, "Staff") == ""
    assert rights(person) == (True, True, [])


def test_with_roles_required_nobody_gets_in_without_one(
    emulator: Emulator, person: User, settings: Settings
) -> None:
    settings.ROLES_REQUIRED = True
    map_roles(Row("Reader", False, False, ()))
    assert sign_in(emulator, "Other") == "role_missing"
    assert "none of Reader" in SignIn.objects.latest().detail
    assert sign_in(emulator, "Reader") == ""
    assert sign_in(emulator) == "role_missing"
    assert sign_in(emulator, _claim_names={"roles": "src1"}) == "role_missing"


def test_a_role_creates_nobody(emulator: Emulator, other: User) -> None:
    map_roles(SUPER)
    assert sign_in(emulator, "Superuser") == "unknown_user"
    assert User.objects.count() == 1


def test_another_identity_takes_nothing_from_whom_it_names(
    emulator: Emulator, person: User
) -> None:
    map_roles(SUPER)
    assert sign_in(emulator, "Superuser") == ""
    assert sign_in(emulator, "Other", oid="99999999-9999-4999-8999-999999999999") != ""
    assert rights(person) == (True, True, [])
    assert SocialAccount.objects.count() == 1


def test_a_sign_in_whose_rights_stay_costs_one_query_more(emulator: Emulator, person: User) -> None:
    assert sign_in(emulator, "Staff") == ""
    with CaptureQueriesContext(connection) as before:
        assert sign_in(emulator, "Staff") == ""
    map_roles(STAFF, SUPER)
    for _ in range(2):
        assert sign_in(emulator, "Staff") == ""
    with CaptureQueriesContext(connection) as after:
        assert sign_in(emulator, "Staff") == ""
    assert len(after) <= len(before) + 1


# --- commands ------------------------------------------------------------------------------------


def test_the_mapping_is_set_listed_and_taken_out(person: User, editors: Group) -> None:
    run("roles", "set", "Staff", "--group", "Editors")
    assert run_json("roles", "list") == [
        {"value": "Staff", "staff": True, "superuser": False, "groups": "Editors"}
    ]
    assert AuditEntry.objects.filter(action="role.mapped").count() == 1
    run("roles", "set", "Staff", "--remove")
    assert run_json("roles", "list") == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["Admin staff"], "has no spaces"),
        ([".Staff"], "is no role's Value"),
        (["STAFF"], "differs in upper and lower case only"),
        (["New", "--group", "Nobodies"], "There is no group “Nobodies”"),
        (["New", "--remove"], "No role “New” is mapped"),
    ],
)
def test_what_cannot_be_mapped_is_told(words: list[str], said: str, person: User) -> None:
    roles.save(STAFF)
    assert said in fail("roles", "set", *words).error


def test_a_mapping_that_changes_many_shows_whom_and_waits_for_a_yes(
    emulator: Emulator, person: User
) -> None:
    map_roles(STAFF)
    for number in range(5):
        one = User.objects.create_user(f"{number}@contoso.example")
        RoleGrant.objects.create(user=one, state="known", roles=["Staff"], staff=True)
    failed = fail("roles", "set", "Staff", "--superuser")
    assert "5 people would have different rights" in failed.error
    assert "4@contoso.example" in failed.out
    assert roles.rows() == [STAFF]
    assert len(run_json("roles", "preview", "Staff", "--superuser")) == 5
    run("roles", "set", "Staff", "--superuser", "--yes")
    assert roles.rows()[0].superuser


# --- everyone whom the emulator offers ----------------------------------------------------------

BECOMES = {  # superuser before, groups and flags after, what the record says
    "promoted": (False, (True, True, []), "roles: Staff, Superuser"),
    "demoted": (True, (True, False, []), "roles: Staff"),
    "overage": (True, (True, True, []), "(overage); rights stay as they were"),
    "wrong_type": (False, (True, False, []), "rights stay as they were"),
    "group_ids": (False, (True, False, ["Editors"]), f"roles: {MAPPED_GROUP}"),
    "display_name": (True, (False, False, []), "none of Staff, Superuser is in the token"),
    "near_miss": (True, (False, False, []), "spelled almost like 'Superuser'"),
    "no_roles": (True, (False, False, []), "none of Staff, Superuser is in the token"),
}


def be(key: str) -> None:
    browser = Client()
    browser.post(START, {})
    browser.get(sign_in_as(browser.post(START).headers["Location"], key, quick=True))


@pytest.mark.parametrize("key", BECOMES)
def test_each_of_the_emulators_people_becomes_what_it_says(
    key: str, emulator: Emulator, other: User, editors: Group
) -> None:
    one = next(person for person in WITH_ROLES if person.key == key)
    before, after, said = BECOMES[key]
    user = User.objects.create_user(str(one.email), is_superuser=before)
    emulator.do("reset")
    be(key)  # linked before anything is mapped
    map_roles(STAFF, SUPER)
    if key == "group_ids":
        map_roles(Row(MAPPED_GROUP, True, False, ("Editors",)))
    RolesSeen.objects.create(client_id=CLIENT_ID)
    mapping.forget()
    be(key)
    assert rights(user) == after
    assert said in SignIn.objects.latest().detail


def test_every_case_has_one_of_the_emulators_people() -> None:
    assert {person.key for person in WITH_ROLES} == set(BECOMES)


def test_the_refusal_names_the_roles_to_ask_for_and_keeps_them_from_no_one_else(
    emulator: Emulator, person: User, settings: Settings
) -> None:
    settings.ROLES_REQUIRED = True
    map_roles(STAFF, SUPER)
    emulator.do("reset")
    emulator.tamper(claims={"roles": ["Other"]})
    browser = Client()
    browser.post(START, {})
    there = sign_in_as(browser.post(START).headers["Location"], "staff", quick=True)
    text = browser.get(there).content.decode()
    assert 'data-reason="role_missing"' in text
    assert "Any of these roles is enough: Staff, Superuser." in text
    there = sign_in_as(browser.post(START).headers["Location"], "nobody", quick=True)
    assert "Superuser" not in browser.get(there).content.decode()


def test_doctor_says_that_another_registration_brings_no_roles(
    emulator: Emulator, person: User
) -> None:
    map_roles(SUPER)
    User.objects.filter(pk=person.pk).update(is_superuser=True)
    for _ in range(3):
        assert sign_in(emulator) == ""
    assert rights(person) == (True, True, [])
    found = by_id(doctors_roles.run())["roles.none_came"]
    assert found.level == "warning"
    assert "for 1 of them the token did not say" in found.detail
