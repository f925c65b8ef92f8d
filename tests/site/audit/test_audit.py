"""The audit: written by itself, chained, whole after an erasure, not after a hand in the tables."""

import logging
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount, SocialApp
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.db import DatabaseError, connection, transaction
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts import audit
from accounts.audit.seal import head, seal_pending
from accounts.audit.verify import verify
from accounts.models import AppendOnlyError, AuditEntry, AuditSeal, AuditText, SignIn, User
from accounts.operate import audit_log
from accounts.protection import secretbox
from tests.support.admins import (
    TID,
    browser_of,
    group,
    permissions,
    person,
    sign_in,
    superuser,
)
from tests.support.operators import fail, manage, run, run_json

pytestmark = pytest.mark.django_db


def entries() -> list[dict[str, Any]]:
    """All entries, the oldest first, as the command and the export give them."""
    found = audit_log.query().order_by("at", "id")
    return [audit_log.as_values(entry) for entry in found]


def actions() -> list[str]:
    return [entry["action"] for entry in entries()]


def last() -> dict[str, Any]:
    return entries()[-1]


def ada(**fields: Any) -> User:
    return person("ada@contoso.example", name="Ada", **fields)


def test_a_change_leaves_what_was_before_and_after() -> None:
    user = ada()
    user.email = "ada@fabrikam.example"
    user.save()
    found = last()
    assert (found["action"], found["subject"]) == ("person.address_changed", user.email)
    assert found["before"] == "email: ada@contoso.example"
    assert found["after"] == "email: ada@fabrikam.example"
    assert found["who_kind"] == "command"


def test_the_gravest_of_what_changed_names_the_entry() -> None:
    user = ada()
    user.is_superuser, user.name = True, "Ada L."
    user.save()
    assert last()["action"] == "person.rights_changed"
    assert last()["after"] == "is_superuser: True; name: Ada L."


def test_signing_in_saves_nothing_that_is_watched(django_assert_num_queries: Any) -> None:
    user = ada()
    count = len(entries())
    with django_assert_num_queries(1):
        user.save(update_fields=["last_login"])
    assert len(entries()) == count


def test_rights_are_seen_from_either_side_and_when_cleared() -> None:
    user, helpers = ada(), group("Helpers", "accounts.view_user")
    helpers.user_set.add(user)
    assert (last()["subject"], last()["after"]) == ("ada@contoso.example", "groups: Helpers")
    user.groups.clear()
    assert last()["before"] == "groups: Helpers"
    user.user_permissions.set(permissions("accounts.view_user", "accounts.change_user"))
    assert last()["after"] == "permissions: accounts.change_user, accounts.view_user"
    helpers.permissions.remove(*permissions("accounts.view_user"))
    assert (last()["action"], last()["before"]) == (
        "group.rights_changed",
        "permissions: accounts.view_user",
    )


def test_a_password_and_a_secret_are_told_of_but_never_told() -> None:
    user = ada()
    user.set_password("correct horse battery")
    user.save()
    assert (last()["action"], last()["after"]) == ("person.password_changed", "password: set anew")
    app = SocialApp.objects.create(
        provider="microsoft",
        name="M",
        client_id="1",
        secret=secretbox.encrypt("s3cret-value-1234567"),
    )
    app.settings = {"next_secret": "s3cret-value-7654321", "tenant": TID}
    app.save()
    assert last()["after"] == f"settings.next_secret: set anew; settings.tenant: {TID}"
    everything = str(list(AuditText.objects.values_list("content", flat=True)))
    assert "s3cret" not in everything
    assert user.password not in everything


def test_encrypting_a_secret_anew_is_no_change() -> None:
    app = SocialApp.objects.create(provider="microsoft", name="M", client_id="1", secret="x" * 20)
    app = SocialApp.objects.get(pk=app.pk)
    count = len(entries())
    app.save()
    assert len(entries()) == count


def test_an_identity_is_its_persons(django_user_model: Any) -> None:
    user = ada()
    account = SocialAccount.objects.create(
        user=user, provider="microsoft", uid=f"{TID}:oid", extra_data={"name": "Ada"}
    )
    assert (last()["action"], last()["subject"]) == ("identity.linked", user.email)
    assert f"{TID}:oid" in last()["after"]
    account.delete()
    assert (last()["action"], last()["subject"]) == ("identity.unlinked", user.email)


def test_a_request_is_its_persons_doing_with_one_reference() -> None:
    root, user = superuser(), ada()
    browser_of(root).post(
        f"/admin/accounts/user/{user.pk}/change/",
        {"email": user.email, "name": "Ada L.", "is_active": "on", "is_staff": "on"},
        REMOTE_ADDR="192.0.2.9",
    )
    changed, logged = entries()[-2:]
    assert (changed["action"], logged["action"]) == ("person.changed", "admin.changed")
    assert changed["reference"] == logged["reference"]
    assert (changed["who"], changed["who_kind"]) == (root.email, "person")
    assert "192.0.2.9" in changed["from"]


def test_it_survives_everybody() -> None:
    root, user = superuser(), ada()
    LogEntry.objects.log_actions(
        root.pk, User.objects.filter(pk=user.pk), 2, "did it", single_object=True
    )
    user.delete()
    root.delete()
    assert not LogEntry.objects.exists()
    assert [e["note"] for e in entries() if e["action"] == "admin.changed"] == ["did it"]
    assert actions()[-2:] == ["person.deleted", "person.deleted"]
    assert verify().whole


def test_several_deleted_at_once_leave_an_entry_each() -> None:
    root = superuser()
    groups = [group("One"), group("Two")]
    data = {"action": "delete_selected", "post": "yes", "_selected_action": [g.pk for g in groups]}
    browser_of(root).post("/admin/auth/group/", data)
    assert not Group.objects.exists()
    named = [e["after"] for e in entries() if e["action"] == "admin.deleted"]
    assert [("One" in text, "Two" in text) for text in named] == [(True, False), (False, True)]


def test_what_is_rolled_back_was_not_done() -> None:
    count = len(entries())
    with transaction.atomic():
        ada()
        transaction.set_rollback(True)
    assert len(entries()) == count


def test_it_goes_to_the_log_once_it_is_certain(
    caplog: pytest.LogCaptureFixture,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    caplog.set_level(logging.INFO, "django.security.audit")
    with django_capture_on_commit_callbacks(execute=True):
        ada()
        assert not caplog.records
    record = caplog.records[-1]
    assert (record.action, record.subject) == ("person.added", "ada@contoso.example")  # type: ignore[attr-defined]
    assert head() is not None


def test_no_code_changes_or_deletes_a_row() -> None:
    ada()
    seal_pending()
    for model in (AuditEntry, AuditSeal):
        row = model.objects.first()
        for act in (row.save, row.delete, model.objects.all().delete):  # type: ignore[union-attr]
            with pytest.raises(AppendOnlyError):
                act()
        with pytest.raises(AppendOnlyError):
            model.objects.update(mac="x")
    with pytest.raises(AppendOnlyError):
        AuditText.objects.update(name="x")


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE accounts_auditentry SET action = 'x'",
        "DELETE FROM accounts_auditentry",
        "UPDATE accounts_auditseal SET digest = 'x'",
        "DELETE FROM accounts_auditseal",
        "UPDATE accounts_audittext SET name = 'x'",
    ],
)
def test_postgresql_refuses_to_change_a_row(sql: str) -> None:
    ada()
    seal_pending()
    with pytest.raises(DatabaseError, match="append-only"), connection.cursor() as cursor:
        cursor.execute(sql)


def by_hand(*statements: str) -> None:
    """As someone who owns the database, and drops the triggers first."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for statement in statements:
            cursor.execute(statement)
        cursor.execute("SET session_replication_role = origin")


FORGED = (
    "INSERT INTO accounts_auditentry (id, at, action, actor_kind, actor_key, subject_kind,"
    " subject_key, reference, texts, key_id, mac) SELECT gen_random_uuid(), at, action,"
    " actor_kind, actor_key, subject_kind, subject_key, reference, texts, key_id, mac"
    " FROM accounts_auditentry LIMIT 1"
)
SECOND = "(SELECT entry_id FROM accounts_auditseal WHERE seq = 2)"


ENTRY = "UPDATE accounts_auditentry SET {} WHERE id = " + SECOND  # noqa: S608
SEAL = "UPDATE accounts_auditseal SET {} WHERE seq = 2"
BY_HAND = [
    (ENTRY.format("action = 'group.added'"), "digest:2"),
    (ENTRY.format("at = at - interval '1 h'"), "digest:2"),
    (ENTRY.format("actor_key = '7'"), "digest:2"),
    (SEAL.format("digest = repeat('0', 64)"), "digest:2"),
    (SEAL.format("mac = repeat('0', 64)"), "mac:2"),
    ("DELETE FROM accounts_auditseal WHERE seq = 2", "gap:3"),
    ("UPDATE accounts_audittext SET name = 'Bob' WHERE role = 'subject'", "text:"),
    ("UPDATE accounts_audittext SET content = '{}'", "text:"),
    ("DELETE FROM accounts_audittext", "text:"),
    (FORGED, "forged:"),
]


@pytest.mark.parametrize(("statement", "found"), BY_HAND)
def test_a_hand_in_the_database_shows(statement: str, found: str) -> None:
    user = ada()
    user.name = "Ada L."
    user.save()
    superuser()
    assert verify().whole
    by_hand(statement)
    verdict = verify()
    assert not verdict.whole
    assert any(problem.id.startswith(found) for problem in verdict.problems)
    assert "not whole" in fail("audit", "verify").error


def test_links_cut_off_at_the_end_show_by_a_head_that_was_noted() -> None:
    ada()
    superuser()
    noted = verify().head
    assert verify(noted).whole
    by_hand(
        "DELETE FROM accounts_auditseal",
        "DELETE FROM accounts_audittext",
        "DELETE FROM accounts_auditentry",
    )
    assert verify().whole
    assert [p.id for p in verify(noted).problems] == [f"head:{noted}"]


def test_a_new_secret_key_leaves_it_provable_while_the_old_is_a_fallback() -> None:
    ada()
    seal_pending()
    with override_settings(SECRET_KEY="n" * 50, SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
        superuser()
        assert verify().whole
    with override_settings(SECRET_KEY="n" * 50, SECRET_KEY_FALLBACKS=[]):
        assert verify().whole  # the newest signature answers for all before it


def test_a_lost_secret_key_shows_until_it_is_acknowledged() -> None:
    ada()
    seal_pending()
    with override_settings(SECRET_KEY="n" * 50, SECRET_KEY_FALLBACKS=[]):
        assert [p.id for p in verify().problems] == ["key:1"]
        superuser()
        assert [p.id for p in verify().problems] == ["vouched:2"]
        assert run_json("audit", "verify", "--acknowledge", "key lost")["whole"]
        assert run_json("audit", "verify")["acknowledged_problems"] == 1
        by_hand(SEAL.format("vouched = true"))
        assert [p.id for p in verify().problems] == ["mac:2"]


def test_an_acknowledgement_does_not_cover_a_change_of_itself() -> None:
    ada()
    audit.write("audit.acknowledged", after={"problems": []})
    seal_pending()
    [text] = AuditText.objects.filter(content__after__has_key="problems")
    forged = f'["text:{text.entry_id}/{text.role}"]'
    by_hand(
        "UPDATE accounts_audittext SET content ="  # noqa: S608
        f" jsonb_set(content, '{{after,problems}}', '{forged}') WHERE id = {text.pk}"
    )
    assert [f'["{problem.id}"]' for problem in verify().problems] == [forged]


def test_an_erased_person_is_nowhere_and_the_audit_is_whole() -> None:
    root, user = superuser(), ada()
    sign_in(user=user, email=user.email, oid="11111111-0000-4000-8000-000000000001")
    sign_in(reason="identity_conflict", email="ada@contoso.example".upper(), user_agent="Mine")
    SocialAccount.objects.create(
        user=user, provider="microsoft", uid=f"{TID}:oid-of-ada", extra_data={"email": user.email}
    )
    user.user_permissions.set(permissions("accounts.view_user"))
    LogEntry.objects.log_actions(
        root.pk, User.objects.filter(pk=user.pk), 2, "ada@contoso.example", single_object=True
    )
    with audit.context(who=lambda: audit.Actor("person", user.email, str(user.pk), {"ip": "::1"})):
        root.name = "Root"
        root.save()
    printed = run_json("staff", "erase", "ada@contoso.example", "--reason", "request 17", "--yes")
    assert printed["sign_ins"] == 2
    assert not User.objects.filter(pk=user.pk).exists()
    assert verify().whole
    assert verify().erased == printed["audit_texts"] > 4
    assert "(erased)" in run("audit", "list")
    rest = [
        *AuditText.objects.values_list("name", "content"),
        *SignIn.objects.values_list("email", "oid", "user_agent", "client_ip", "user"),
        *LogEntry.objects.values_list("object_repr", "change_message"),
        *entries(),
    ]
    # "ada" by itself is also a part of some digests.
    assert "Ada" not in str(rest)
    assert not [text for text in ("ada@contoso", "oid-of-ada") if text in str(rest).lower()]
    by_hand("DELETE FROM accounts_audittext WHERE content->'after'->'erased' IS NOT NULL")
    assert not verify().whole  # the erasure itself cannot be taken away


def test_erasing_asks_first_and_keeps_the_last_superuser() -> None:
    superuser("root@contoso.example")
    assert (
        "last active superuser"
        in fail("staff", "erase", "root@contoso.example", "--reason", "x", "--yes").error
    )
    ada()
    assert "--yes" in fail("staff", "erase", "ada@contoso.example", "--reason", "x").error
    assert User.objects.count() == 2


def test_its_list_narrows() -> None:
    user = ada()
    user.is_superuser = True
    user.save()
    superuser("root@contoso.example")
    listed = run_json("audit", "list", "--person", "ADA@", "--action", "person.rights")
    assert [row["after"] for row in listed] == ["is_superuser: True"]
    assert actions()[-1] == "export.audit"
    assert "no action" in fail("audit", "list", "--action", "nonsense").error


def test_only_who_may_see_it_sees_it() -> None:
    auditor = person("auditor@contoso.example", "accounts.view_auditentry")
    seal_pending()
    for browser, status in ((browser_of(auditor), 200), (browser_of(ada()), 403)):
        for page in ("", "?q=auditor", "export/", f"{AuditEntry.objects.first().pk}/change/"):  # type: ignore[union-attr]
            assert browser.get(f"/admin/accounts/auditentry/{page}").status_code == status, page
    listed = browser_of(auditor).get("/admin/accounts/auditentry/?q=DITOR@").content.decode()
    assert "auditor@contoso.example" in listed
    assert "ada@" not in listed.split("<tbody>")[1]


def test_an_unknown_action_is_refused() -> None:
    with pytest.raises(ValueError, match="no action"):
        audit.write("made.up")


@pytest.mark.django_db(transaction=True)
def test_writers_at_once_make_one_chain() -> None:
    def add(number: int) -> None:
        try:
            User.objects.create_user(f"{number}-{uuid.uuid4()}@contoso.example")
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(40)))
    verdict = verify()
    assert verdict.whole
    assert verdict.entries == AuditEntry.objects.count() == 40


@pytest.mark.django_db(transaction=True)
def test_on_the_command_line_it_is_the_operating_systems_user() -> None:
    ended = manage("staff", "add", "ada@contoso.example", SUDO_USER="grace")
    assert ended.returncode == 0, ended.stderr
    found = last()
    assert (found["action"], found["who_kind"]) == ("person.added", "command")
    assert "sudo by grace" in found["who"]
    assert "manage.py staff add" in found["from"]
    assert '"action": "person.added"' in ended.stderr or "action=person.added" in ended.stderr


def test_the_list_asks_as_often_for_many_entries_of_rights_as_for_few() -> None:
    browser, counts = browser_of(superuser()), []
    for more in (2, 20):
        for _number in range(more):
            audit.write("person.rights_changed", after={"permissions": ["accounts.view_user"]})
        with CaptureQueriesContext(connection) as asked:
            page = browser.get("/admin/accounts/auditentry/").content.decode()
        counts.append(len(asked))
    assert "Can view user" in page
    assert counts[0] == counts[1]


def test_many_rights_given_at_once_cost_no_query_each() -> None:
    counts, rights = [], [f"accounts.{verb}_user" for verb in ("view", "add", "change", "delete")]
    for given in (rights[:1], rights):
        editors = group(f"Editors of {len(given)}")
        chosen = permissions(*given)
        with CaptureQueriesContext(connection) as asked:
            editors.permissions.add(*chosen)
        counts.append(len(asked))
    assert last()["after"] == f"permissions: {', '.join(sorted(rights))}"
    assert counts[1] <= counts[0]  # the first asks for the content type
