"""Commands with wrong input, as an operator tired at night types it: one line says what to do."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models.signals import post_save
from typing_extensions import override

from accounts.models import User
from tests.support.operators import fail

NOBODY, ADA = "nobody@x.example", "ada@contoso.example"
GUID = "55555555-5555-4555-8555-555555555555"
FILES: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: None,
    "directory": lambda path: path.mkdir(),
    "latin": lambda path: path.write_bytes("josé@x.example".encode("latin-1")),
    "empty": lambda path: path.write_text("\n"),
    "workbook": lambda path: path.write_bytes(b"PK\x03\x04\x14\x00"),
}
SAYS = {
    "missing": "No such file",
    "directory": "Is a directory",
    "latin": "UTF-8",
    "empty": "nothing in",
    "workbook": "Excel workbook: save it as CSV",
}
TAKES_A_FILE = [
    ("staff", "add", "--file"),
    ("staff", "preview"),
    ("staff", "relink"),
]
WRONG = [
    (("staff", "add", NOBODY, "--oid", "5b3d"), "no GUID, such as"),
    (("staff", "add", NOBODY, "--tenant", "contoso.com"), "no GUID, such as"),
    (("staff", "unlink", "--tenant", "old", "--reason", "x"), "no GUID, such as"),
    (("staff", "adopt", "--from", "allauth", "--tenant", "x"), "no GUID, such as"),
    (("staff", "adopt", "--from", "social-auth"), "There is no table"),
    (("staff", "erase", NOBODY, "--reason", "x"), "Nothing was erased. See: ./manage.py staff"),
    (("staff", "erase", ADA, "--reason", "x"), "say --yes. Nothing was erased"),
    (("staff", "erase", ADA, "--reason", " ", "--yes"), "--reason TEXT"),
    (("staff", "list", "--search", "\udcff"), "not UTF-8"),
    (("staff", "list", "--idle", "many"), "number of days"),
    (("sessions", "list", "--email", NOBODY), "./manage.py staff list"),
    (("sessions", "end", "--handle", "x"), "./manage.py sessions list"),
    (("break_glass", NOBODY), "./manage.py staff list"),
    (("roles", "set", "A", "--group", "No"), "make it in admin, or correct the name"),
    (("roles", "set", "A", "--remove"), "Nothing was saved"),
    (("audit", "verify", "--head", "1204"), "copy it as verify printed it"),
    (("audit", "list", "--reference", "BC"), "one looks like BCDF-2345"),
    (("audit", "list", "--limit", "-1"), "number of entries"),
    (("sign_ins", "--reference", "x"), "one looks like BCDF-2345"),
    (("sign_ins", "--prune", "--days", "9" * 12), "number of days"),
    (("microsoft_app", "set", "--undo"), "nothing to undo"),
    (("microsoft_app", "set", "--certificate", "/nowhere.pem"), "Cannot read /nowhere.pem"),
]


@pytest.mark.django_db
@pytest.mark.parametrize("command", TAKES_A_FILE, ids=" ".join)
@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_cannot_be_read(kind: str, command: tuple[str, ...], tmp_path: Path) -> None:
    FILES[kind](tmp_path / "people.csv")
    failed = fail(*command, str(tmp_path / "people.csv"))
    assert SAYS[kind] in failed.error
    assert not failed.out
    assert not User.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("words", "says"), WRONG, ids=[ascii(" ".join(words)) for words, _ in WRONG]
)
def test_wrong_input(words: tuple[str, ...], says: str) -> None:
    User.objects.create_user(ADA)
    assert says in fail(*words).error
    assert User.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "words",
    [
        ("staff", "add", NOBODY),
        ("staff", "reactivate", ADA),
        ("roles", "set", "Editor"),
        ("break_glass", ADA),
        ("sign_ins", "--prune"),
    ],
)
def test_a_database_that_can_only_be_read(words: tuple[str, ...]) -> None:
    User.objects.create_superuser(ADA)
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")
    failed = fail(*words)
    assert "read-only transaction" in failed.error
    assert "./manage.py doctor" in failed.error


@pytest.mark.django_db
def test_a_database_without_its_tables() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_signin RENAME TO other")
    assert "Run: ./manage.py migrate" in fail("sign_ins").error


class Interrupted(io.RawIOBase):
    """Standard input of somebody who presses Ctrl-C."""

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: object) -> int:
        raise KeyboardInterrupt


@pytest.mark.django_db
def test_ctrl_c_says_what_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(Interrupted())))
    errors = io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("staff", "add", "--file", "-", stderr=errors)
    assert ended.value.code == 130
    assert "Interrupted: what was under way is undone" in errors.getvalue()


@pytest.mark.django_db
def test_ctrl_c_among_many_lists_who_was_done() -> None:
    for email in (ADA, NOBODY):
        User.objects.create_user(email)

    def press(sender: object, instance: User, **more: object) -> None:
        if instance.email == NOBODY:
            raise KeyboardInterrupt

    out = io.StringIO()
    post_save.connect(press, sender=User)
    try:
        with pytest.raises(SystemExit):
            call_command("staff", "deactivate", ADA, NOBODY, stdout=out, stderr=io.StringIO())
    finally:
        post_save.disconnect(press, sender=User)
    assert f"{ADA}  0               deactivated" in out.getvalue()
    assert [user.email for user in User.objects.filter(is_active=True)] == [NOBODY]


def test_a_wrong_port_in_the_environment_is_an_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMULATOR_PORT", "eighty")
    assert "--port: invalid int value" in fail("entra_emulator").error
