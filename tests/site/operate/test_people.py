"""People: added by email, switched off, unlinked; and how they stand."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from accounts.models import SignIn, User
from accounts.operate import OperatorError, erasure, linking, people
from accounts.operate.account_status import status_of, statuses_of
from accounts.operate.pasted import Entry, read_people
from accounts.operate.people import listing
from tests.support.admins import let_in
from tests.support.operators import open_browser

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries

pytestmark = pytest.mark.django_db

IDENTITY = "11111111-1111-4111-8111-111111111111:aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada@contoso.example", name="Ada")


def bind(user: User) -> SocialAccount:
    return SocialAccount.objects.create(user=user, provider="microsoft", uid=IDENTITY)


def sign_in(user: User) -> Client:
    client = open_browser()
    let_in(client, user)
    return client


def refuse(email: str, reason: str = "wrong_tenant", **fields: object) -> SignIn:
    return SignIn.objects.create(
        outcome="refused", reason=reason, reference="BCDF-2345", email=email, **fields
    )


def test_a_person_is_found_whatever_the_case(ada: User) -> None:
    assert people.find("ADA@Contoso.Example") == ada


@pytest.mark.parametrize("email", ["ada@contoso.exampl", " ada@contoso.example", "", "a\0b"])
def test_a_person_is_not_found_by_another_address(ada: User, email: str) -> None:
    with pytest.raises(people.NoSuchPerson):
        people.find(email)


def test_a_person_is_added_by_email_alone() -> None:
    added = people.add("ada@contoso.example")
    assert added.what == "added"
    user = User.objects.get(email="ada@contoso.example")
    assert (user.is_staff, user.is_active, user.is_superuser) == (True, True, False)
    assert not user.has_usable_password()


def test_adding_again_in_another_case_changes_nothing(ada: User) -> None:
    assert people.add("ADA@contoso.example").what == "exists"
    assert User.objects.count() == 1


def test_adding_someone_who_is_not_staff_makes_them_staff() -> None:
    User.objects.create_user("nora@contoso.example", is_staff=False)
    assert people.add("nora@contoso.example").what == "promoted"
    assert User.objects.get().is_staff


def test_adding_can_leave_the_rights_of_those_who_are_here() -> None:
    User.objects.create_user("nora@contoso.example", is_staff=False)
    assert people.add("nora@contoso.example", promote=False).what == "exists"
    assert not User.objects.get().is_staff


def test_adding_someone_inactive_leaves_them_so_and_says_it(ada: User) -> None:
    people.deactivate(ada)
    assert "reactivate" in people.add(ada.email).note
    ada.refresh_from_db()
    assert not ada.is_active


def test_a_bad_line_stops_no_other() -> None:
    lines = ["ada@contoso.example", "not an email", "", "eve@contoso.example"]
    results = list(people.add_many(lines))
    assert [(r.line, r.what) for r in results] == [(1, "added"), (2, "invalid"), (4, "added")]
    assert results[1].email == "not an email"
    assert results[1].note


def test_one_person_twice_is_added_once() -> None:
    results = people.add_many(["ada@contoso.example, ADA@contoso.example"])
    assert [result.what for result in results] == ["added", "exists"]


@pytest.mark.parametrize(
    ("line", "people_read"),
    [
        ("ada@x.example", [("ada@x.example", "")]),
        ("  ada@x.example ;", [("ada@x.example", "")]),
        ("Ada Lovelace <ada@x.example>", [("ada@x.example", "Ada Lovelace")]),
        ("Ada <a@x.example>; Eve <e@x.example>", [("a@x.example", "Ada"), ("e@x.example", "Eve")]),
        ("ada@x.example,Ada Lovelace", [("ada@x.example", "Ada Lovelace")]),
        ('"Lovelace, Ada",ada@x.example', [("ada@x.example", "Lovelace, Ada")]),
        ("ada@x.example\tAda", [("ada@x.example", "Ada")]),
        ("\ufeffada@x.example", [("ada@x.example", "")]),
        ("nobody", [("nobody", "")]),
    ],
)
def test_lines_are_read_as_people_paste_them(line: str, people_read: list[tuple[str, str]]) -> None:
    assert [(entry.email, entry.name) for entry in read_people([line])] == people_read


def test_a_header_names_the_columns() -> None:
    lines = ["Display Name;Department;E-Mail", "Ada;R&D;ada@x.example", "Eve;R&D;"]
    assert list(read_people(lines)) == [Entry(2, "ada@x.example", "Ada"), Entry(3, "", "Eve")]


def test_deactivating_ends_the_sessions_too(ada: User) -> None:
    client = sign_in(ada)
    assert people.deactivate(ada) == 1
    assert client.get("/admin/").status_code == 302
    people.reactivate(ada)
    assert client.get("/admin/").status_code == 302


def test_unlinking_signs_out_and_leaves_the_person(ada: User) -> None:
    bind(ada)
    client = sign_in(ada)
    assert linking.unlink(ada, "a new account") == 1
    assert linking.of_user(ada) is None
    assert client.get("/admin/").status_code == 302


def test_unlinking_is_told_with_its_reason(ada: User, caplog: pytest.LogCaptureFixture) -> None:
    bind(ada)
    boss = User.objects.create_superuser("boss@contoso.example")
    with caplog.at_level(logging.INFO, "django.security.sign_in"):
        linking.unlink(ada, "a new account", by=boss)
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (boss, str(ada.pk))
    assert f"{IDENTITY} unlinked: a new account" in entry.change_message
    assert [(r.__dict__["detail"], r.levelname) for r in caplog.records] == [
        ("a new account", "WARNING")
    ]


def test_unlinking_needs_a_reason(ada: User) -> None:
    bind(ada)
    with pytest.raises(OperatorError, match="reason"):
        linking.unlink(ada, "  ")
    assert str(getattr(linking.of_user(ada), "uid", "")) == IDENTITY


def test_unlinking_needs_an_identity(ada: User) -> None:
    with pytest.raises(linking.NothingToUnlink):
        linking.unlink(ada, "a new account")
    assert not LogEntry.objects.exists()


def test_someone_new_has_never_signed_in(ada: User) -> None:
    assert str(status_of(ada)) == "not yet signed in"


def test_someone_who_was_here_can_sign_in(ada: User) -> None:
    sign_in(ada)
    ada.refresh_from_db()
    assert status_of(ada).kind == "can_sign_in"


@pytest.mark.parametrize("email", ["ada@contoso.example", "ADA@contoso.example"])
def test_a_refusal_stands_until_they_get_in(ada: User, email: str) -> None:
    refuse(email)
    assert str(status_of(ada)) == "refused lately: wrong_tenant"
    sign_in(ada)
    ada.refresh_from_db()
    assert status_of(ada).kind == "can_sign_in"


def test_the_newest_refusal_counts_whether_by_user_or_by_email(ada: User) -> None:
    refuse("ada@contoso.example", at=timezone.now() - timedelta(hours=2))
    refuse("old@contoso.example", "identity_conflict", user=ada)
    assert status_of(ada).reason == "identity_conflict"


def test_an_old_refusal_is_forgotten(ada: User) -> None:
    refuse(ada.email, at=timezone.now() - timedelta(days=31))
    assert status_of(ada).kind == "never"


@pytest.mark.parametrize(
    ("field", "reason"), [("is_active", "user_inactive"), ("is_staff", "user_not_staff")]
)
def test_someone_switched_off_is_said_to_be(ada: User, field: str, reason: str) -> None:
    setattr(ada, field, False)
    assert (status_of(ada).kind, status_of(ada).reason) == ("off", reason)


def test_many_people_cost_no_more_queries(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    crowd = [User.objects.create_user(f"{n}@contoso.example") for n in range(20)]
    for user in crowd:
        refuse(user.email)
    with django_assert_num_queries(2):
        assert {state.kind for state in statuses_of(crowd).values()} == {"refused"}
    with django_assert_num_queries(4):
        assert len(list(listing())) == 20


def test_erasing_someone_without_an_address_leaves_other_records_without_one() -> None:
    user = User.objects.create(email="")
    SignIn.objects.create(outcome="refused", reason="no_email", user_agent="another person's")
    assert erasure.erase_person(user, "request 17").sign_ins == 0
    assert SignIn.objects.get().user_agent == "another person's"
