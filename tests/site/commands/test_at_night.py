"""Commands with wrong input, as an operator tired at night types it: one line says what to do."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.core.management import call_command
from django.db import connection
from django.db.models import Model
from django.db.models.signals import ModelSignal, post_save
from django.utils import timezone
from typing_extensions import override

from accounts.models import AuditEntry, SignIn, User
from accounts.operate import audit_log, sign_ins
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
    (("sign_ins", "--since", "0001-01-01T00:00+14:00"), "is no time; write 30m"),
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


@contextmanager
def interrupted_at(number: int, signal: ModelSignal, sender: type[Model]) -> Iterator[None]:
    """Ctrl-C is pressed when this signal is sent for that time."""
    sent = count(1)

    def press(**more: object) -> None:
        if next(sent) == number:
            raise KeyboardInterrupt

    signal.connect(press, sender=sender)
    try:
        with pytest.raises(SystemExit):
            yield
    finally:
        signal.disconnect(press, sender=sender)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("words", "sender", "says"),
    [
        (("add", ADA, NOBODY), User, f"1     {ADA}  added"),
        (("deactivate", ADA, NOBODY), User, f"{ADA}  0               deactivated"),
        (("adopt", "--from", "allauth", "--yes"), SocialAccount, f"{ADA}  adopted"),
        (("preview", "--link", "-"), SocialAccount, "1 people were linked"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_ctrl_c_among_many_lists_who_was_done(
    words: tuple[str, ...], sender: type[Model], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = {ADA: GUID, NOBODY: GUID.replace("5", "6")}
    lines = "".join(f"{email},{oid}\n" for email, oid in ids.items())
    export = io.BytesIO(f"mail,id\n{lines}".encode())
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(export))
    for email in ids if words[0] != "add" else ():
        user = User.objects.create_user(email, is_staff=True)
        if words[0] == "adopt":
            SocialAccount.objects.create(user=user, provider="microsoft", uid=ids[email])
    out = io.StringIO()
    with interrupted_at(2, post_save, sender):
        call_command("staff", *words, stdout=out, stderr=out)
    assert says in out.getvalue()
    assert f"{NOBODY}  {'0' if words[0] == 'deactivate' else words[0]}" not in out.getvalue()
    assert "what was done before stays" in out.getvalue()


@pytest.mark.django_db
def test_ctrl_c_while_pruning_leaves_its_entry() -> None:
    long_ago = timezone.now() - timedelta(days=9)
    SignIn.objects.bulk_create(SignIn(outcome="refused", at=long_ago) for _ in range(2))
    selects = count(1)

    def press(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if sql.startswith("SELECT") and next(selects) == 2:
            raise KeyboardInterrupt
        return execute(sql, *rest)

    with connection.execute_wrapper(press), pytest.raises(KeyboardInterrupt):
        sign_ins.prune(1, batch=1)
    assert SignIn.objects.count() == 1
    entry = AuditEntry.objects.get(action="sign_ins.pruned")
    assert "deleted: 1" in audit_log.as_values(entry)["after"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("closed", "words"),
    [
        ("stdin", ("staff", "add", "--file", "-")),
        ("stdout", ("staff", "list")),
        ("stdout", ("migrate", "--plan")),
        ("stderr", ("staff", "adopt", "--from", "django-auth-adfs")),
    ],
)
def test_a_stream_that_the_shell_closed(
    closed: str, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `>&-` does: such a stream is None in Python."""
    monkeypatch.setattr(sys, closed, None)
    try:
        if closed == "stdin":
            assert "There is nothing in -" in fail(*words).error
        else:
            call_command(*words)
    finally:
        getattr(sys, closed).close()


def test_a_wrong_port_in_the_environment_is_an_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMULATOR_PORT", "eighty")
    assert "--port: invalid int value" in fail("entra_emulator").error
