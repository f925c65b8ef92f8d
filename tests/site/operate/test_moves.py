"""People who moved: a mapping file is written whole or not at all, and audited."""

from pathlib import Path
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount

from accounts.models import AuditEntry, User
from accounts.operate import OperatorError, moves
from accounts.signin.identities import accounts_of
from tests.support.admins import TID, browser_of, person
from tests.support.operators import fail, run, run_json

pytestmark = pytest.mark.django_db

FORMER = "99999999-9999-4999-8999-999999999999"
OIDS = [f"aaaaaaaa-0000-4000-8000-00000000000{n}" for n in range(4)]


@pytest.fixture
def people() -> list[User]:
    made = [person(f"m{n}@old.example") for n in range(3)]
    for n, user in enumerate(made):
        SocialAccount.objects.create(user=user, provider="microsoft", uid=f"{FORMER}:{OIDS[n]}")
    return made


def file_of(tmp_path: Path, text: str) -> str:
    path = tmp_path / "moved.csv"
    path.write_text(text, encoding="utf-8")
    return str(path)


def uid_of(user: User) -> str:
    return str(accounts_of(user).get().uid)


def test_a_file_links_and_readdresses_many(people: list[User], tmp_path: Path) -> None:
    browser = browser_of(people[0])
    text = f"old,new\nm0@old.example,{OIDS[3]}\nm1@old.example,m1@new.example\n"
    file = file_of(tmp_path, text)
    rows = run_json("staff", "relink", file)
    assert [row["what"] for row in rows] == ["link", "address"]
    exported = AuditEntry.objects.filter(action="export.people")
    assert exported.count() == 1  # who has which address or identity here
    assert uid_of(people[0]) == f"{FORMER}:{OIDS[0]}"
    run("staff", "relink", file, "--reason", "merger", "--yes")
    assert exported.count() == 1  # each change has its own entry
    assert uid_of(people[0]) == f"{TID}:{OIDS[3]}"
    assert User.objects.filter(email="m1@new.example").exists()
    assert uid_of(people[1]) == f"{FORMER}:{OIDS[1]}"
    assert browser.get("/admin/").status_code == 302
    entries = AuditEntry.objects.filter(action__in=("identity.linked", "person.address_changed"))
    assert entries.count() >= 2
    assert len(set(entries.values_list("reference", flat=True)) - {""}) >= 1


def test_nothing_is_written_when_one_line_cannot_be(people: list[User], tmp_path: Path) -> None:
    text = "m0@old.example,m0@new.example\nm1@old.example,m2@old.example\n"
    failed = fail("staff", "relink", file_of(tmp_path, text), "--reason", "x", "--yes")
    assert failed.code == 1
    assert "Nothing was written" in failed.error
    assert "another user's address" in failed.out
    assert not User.objects.filter(email="m0@new.example").exists()


def test_a_change_in_between_undoes_all_of_it(people: list[User]) -> None:
    planned = moves.plan("m0@old.example,m0@new.example\nm1@old.example,m1@new.example")
    User.objects.filter(pk=people[1].pk).update(email="other@old.example")
    with pytest.raises(OperatorError, match="Line 2"):
        moves.carry_out(planned, "why")
    assert User.objects.filter(email="m0@old.example").exists()


def test_an_address_taken_in_between_undoes_all_of_it(people: list[User]) -> None:
    planned = moves.plan("m0@old.example,m0@new.example\nm1@old.example,m1@new.example")
    person("M1@new.example")
    with pytest.raises(OperatorError, match=r"Line 2.*Another user has it now"):
        moves.carry_out(planned, "why")
    assert User.objects.filter(email="m0@old.example").exists()


@pytest.mark.parametrize(
    ("words", "why"),
    [(["--yes"], "--reason"), (["--yes", "--reason", " "], "--reason")],
)
def test_writing_needs_a_reason(
    people: list[User], tmp_path: Path, words: list[str], why: str
) -> None:
    file = file_of(tmp_path, "m0@old.example,m0@new.example")
    assert why in fail("staff", "relink", file, *words).error
    assert User.objects.filter(email="m0@old.example").exists()


def test_who_is_not_here_can_be_left_out(people: list[User], tmp_path: Path) -> None:
    file = file_of(tmp_path, "m0@old.example,m0@new.example\nx@old.example,x@new.example")
    assert "--skip-unknown" in fail("staff", "relink", file, "--reason", "x", "--yes").error
    run("staff", "relink", file, "--reason", "x", "--yes", "--skip-unknown")
    assert User.objects.filter(email="m0@new.example").exists()


def test_several_tenants_must_be_told_apart(
    people: list[User], tmp_path: Path, settings: Any
) -> None:
    settings.MICROSOFT_ALLOWED_TENANTS = frozenset({TID, FORMER})
    file = file_of(tmp_path, f"m0@old.example,{OIDS[3]}")
    assert "--tenant" in fail("staff", "relink", file).error
    assert run_json("staff", "relink", file, "--tenant", TID)[0]["what"] == "link"


def test_several_are_unlinked_at_once(people: list[User]) -> None:
    run("staff", "unlink", "m0@old.example", "m1@old.example", "--reason", "moved")
    assert [user.email for user in people if accounts_of(user).exists()] == ["m2@old.example"]


def test_a_whole_tenant_is_unlinked_once_it_is_confirmed(people: list[User]) -> None:
    stays = person("stays@new.example")
    SocialAccount.objects.create(user=stays, provider="microsoft", uid=f"{TID}:{OIDS[3]}")
    words = ("staff", "unlink", "--tenant", FORMER, "--reason", "moved")
    assert len(run_json(*words)) == 3
    assert AuditEntry.objects.filter(action="export.people").count() == 1
    assert SocialAccount.objects.count() == 4
    assert len(run_json(*words, "--yes")) == 3
    assert list(SocialAccount.objects.values_list("user__email", flat=True)) == [stays.email]


@pytest.mark.parametrize("words", [[], ["m0@old.example", "--tenant", FORMER]])
def test_unlinking_names_people_or_a_tenant(people: list[User], words: list[str]) -> None:
    assert "--tenant GUID" in fail("staff", "unlink", *words, "--reason", "x").error
    assert SocialAccount.objects.count() == 3


def test_a_tenant_by_another_name_is_refused(people: list[User]) -> None:
    assert "no GUID" in fail("staff", "unlink", "--tenant", "old", "--reason", "x", "--yes").error
