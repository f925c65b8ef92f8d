"""`./manage.py staff`, as an operator uses it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.admin.models import LogEntry

from accounts.models import User
from tests.support.operators import fail, help_of, manage, run, run_json

pytestmark = pytest.mark.django_db

IDENTITY = "11111111-1111-4111-8111-111111111111:aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"


@pytest.fixture
def ada() -> User:
    user = User.objects.create_user("ada@contoso.example", name="Ada")
    SocialAccount.objects.create(user=user, provider="microsoft", uid=IDENTITY)
    return user


def test_add_takes_many() -> None:
    out = run("staff", "add", "ada@contoso.example", "eve@contoso.example")
    assert out.count("added") == 2
    assert User.objects.filter(is_staff=True, is_superuser=False).count() == 2


def test_add_takes_a_name_and_superuser() -> None:
    name = 'Lovelace, Ada "Countess" (A|B; C)'
    run("staff", "add", "ada@contoso.example", "--name", name, "--superuser")
    assert User.objects.get(is_superuser=True).name == name


def test_add_takes_a_csv(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("Name;Email\nAda;ada@contoso.example\n", encoding="utf-8-sig")
    assert run_json("staff", "add", "--file", str(file)) == [
        {"line": 2, "email": "ada@contoso.example", "what": "added", "note": ""}
    ]


def test_add_keeps_the_good_and_names_the_bad() -> None:
    failed = fail("staff", "add", "ada@contoso.example", "nonsense", "eve@contoso.example")
    assert failed.error.startswith("1 of 3 not added")
    assert "nonsense" in failed.out
    assert failed.code == 1
    assert User.objects.count() == 2


@pytest.mark.parametrize(
    "words", [[], ["--name", "Ada"], ["a@x.example", "b@x.example", "--name", "A"]]
)
def test_add_without_anyone_says_what_to_type(words: list[str]) -> None:
    assert "Name an EMAIL" in fail("staff", "add", *words).error


def test_add_from_a_file_that_is_not_there_names_it() -> None:
    assert "nowhere.csv" in fail("staff", "add", "--file", "nowhere.csv").error


def test_list_says_how_people_stand(ada: User) -> None:
    out = run("staff", "list")
    assert "ada@contoso.example" in out
    assert "not yet signed in" in out
    assert IDENTITY in out


def test_list_finds_by_state_and_text(ada: User) -> None:
    User.objects.create_user("off@contoso.example", is_active=False)
    listed = run_json("staff", "list", "--state", "off")
    assert [row["email"] for row in listed] == ["off@contoso.example"]
    assert [row["name"] for row in run_json("staff", "list", "--search", "aDa")] == ["Ada"]


def test_an_empty_list_is_json_too() -> None:
    assert run_json("staff", "list") == []


def test_deactivate_and_reactivate(ada: User) -> None:
    assert run_json("staff", "deactivate", "ADA@contoso.example") == [
        {"email": "ADA@contoso.example", "what": "deactivated", "sessions_ended": 0}
    ]
    ada.refresh_from_db()
    assert not ada.is_active
    run("staff", "reactivate", ada.email)
    ada.refresh_from_db()
    assert ada.is_active


def test_deactivate_does_all_it_can(ada: User) -> None:
    failed = fail("staff", "deactivate", "nobody@contoso.example", ada.email)
    assert "nobody@contoso.example" in failed.error
    assert "No user has the email" in failed.out
    ada.refresh_from_db()
    assert not ada.is_active


def test_unlink_keeps_the_reason(ada: User) -> None:
    run("staff", "unlink", ada.email, "--reason", "new account", "--by", ada.email)
    assert (
        LogEntry.objects.get().change_message
        == f"Microsoft identity {IDENTITY} unlinked: new account"
    )


def test_unlink_without_a_reason_does_nothing(ada: User) -> None:
    assert "--reason" in fail("staff", "unlink", ada.email).error
    assert "reason" in fail("staff", "unlink", ada.email, "--reason", " ").out
    assert SocialAccount.objects.exists()


def test_unlink_by_a_stranger_does_nothing(ada: User) -> None:
    failed = fail("staff", "unlink", ada.email, "--reason", "x", "--by", "who@x.example")
    assert "--by" in failed.error
    assert SocialAccount.objects.exists()


def test_unlink_says_when_there_is_nothing_to_unlink() -> None:
    User.objects.create_user("eve@contoso.example")
    assert (
        "nothing to unlink" in fail("staff", "unlink", "eve@contoso.example", "--reason", "x").out
    )


def test_help_shows_examples_and_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of("staff", capsys)
    assert "./manage.py staff add ada@contoso.com" in text
    assert "exit codes:" in text


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["add", "--file", "-"], 0),
        (["deactivate", "nobody@contoso.example"], 1),
        (["dismiss"], 2),
        (["unlink", "ada@contoso.example"], 2),
    ],
)
def test_the_exit_code_says_how_it_went(words: list[str], code: int) -> None:
    done = manage("staff", *words, stdin="ada@contoso.example\n")
    assert done.returncode == code, done.stderr
    assert ("error: " in done.stderr.lower()) == bool(code)
    assert "Traceback" not in done.stderr


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("away", ["redis", "database"])
def test_what_is_away_is_one_line_with_the_next_step(away: str) -> None:
    """Who would get in is known without Redis."""
    stopped = {
        "redis": {"REDIS_URL": "redis://127.0.0.1:1/0"},
        "database": {"DATABASE_URL": "postgres://x@127.0.0.1:1/x"},
    }[away]
    done = manage("staff", "preview", "-", stdin="mail\nada@contoso.example\n", **stopped)
    if away == "redis":
        assert done.returncode == 0, done.stderr
        return
    assert done.returncode == 1
    assert "./manage.py doctor" in done.stderr
    assert "Traceback" not in done.stderr


def write(tmp_path: Path, text: str) -> str:
    file = tmp_path / "entra.csv"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_preview_tells_who_gets_in_and_why_not(ada: User, tmp_path: Path) -> None:
    file = write(tmp_path, "mail,displayName\nADA@contoso.example,Ada\nnew@contoso.example,New\n")
    report: Any = run_json("staff", "preview", file)
    assert report["counts"] == {"in": 1, "unknown_user": 1}
    assert [person["outcome"] for person in report["people"]] == ["gets in", "unknown_user"]
    text = run("staff", "preview", file)
    assert "staff add EMAIL" in text
    assert "differs only by case" in text


def test_preview_can_show_the_refused_only(ada: User, tmp_path: Path) -> None:
    file = write(tmp_path, "mail\nada@contoso.example\nnew@contoso.example\n")
    text = run("staff", "preview", file, "--only", "refused")
    assert "new@contoso.example" in text
    assert "ada@contoso.example" not in text


def test_preview_says_which_columns_it_needs(tmp_path: Path) -> None:
    assert "userPrincipalName" in fail("staff", "preview", write(tmp_path, "a,b\n1,2\n")).error
