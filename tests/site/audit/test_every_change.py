"""Whatever changes something leaves an entry: new pages, actions and commands must be listed."""

import argparse
import importlib
import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount, SocialApp
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, reverse

from accounts import audit
from accounts.admin.people.add_several import digest
from accounts.audit.actions import ACTIONS
from accounts.models import AuditEntry, RoleMapping, User
from accounts.operate import microsoft_app
from tests.servers.process import ROOT
from tests.support.admins import TID, browser_of, person, sign_in, superuser
from tests.support.audited import ADMIN_READS, COMMANDS, ELSEWHERE, IN_ADMIN, OTHERS, READS, table
from tests.support.operators import run

pytestmark = pytest.mark.django_db
ADA = "ada@contoso.example"


def url_names(patterns: list[Any]) -> set[str]:
    found = set()
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            found |= url_names(pattern.url_patterns)
        elif isinstance(pattern, URLPattern) and pattern.name:
            found.add(pattern.name)
    return found


def list_actions() -> set[str]:
    request = RequestFactory().get("/")
    request.user = superuser("actions@contoso.example")
    return {
        f"{model._meta.app_label}_{model._meta.model_name}_changelist: {name}"
        for model, page in admin.site._registry.items()
        for name in page.get_actions(request)
    }


def commands() -> set[str]:
    """Each command, or each of its actions when it has some."""
    found = set()
    for path in (ROOT / "accounts/management/commands").glob("[a-z]*.py"):
        module = importlib.import_module(f"accounts.management.commands.{path.stem}")
        parser = module.Command().create_parser("manage.py", path.stem)
        actions = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
        names = [f"{path.stem} {name}" for a in actions for name in a.choices]
        found |= set(names or [path.stem])
    return found


def test_every_page_and_action_of_admin_is_listed() -> None:
    listed = {*IN_ADMIN, *ADMIN_READS}
    assert url_names(admin.site.get_urls()) | list_actions() == listed


def test_every_command_is_listed() -> None:
    assert commands() == set(COMMANDS)


def test_every_action_is_left_by_something() -> None:
    every = [*IN_ADMIN.values(), *COMMANDS.values(), *ELSEWHERE.values(), *OTHERS.values()]
    left = {name for names in every for name in names.split(", ") if "." in name}
    assert left == set(ACTIONS)


def test_the_page_of_docs_has_the_table() -> None:
    assert table() in (ROOT / "docs/audit.md").read_text(encoding="utf-8")


def ada() -> User:
    user = User.objects.get(email=ADA)
    SocialAccount.objects.get_or_create(user=user, provider="microsoft", uid=f"{TID}:{TID}")
    return user


def post(name: str, data: dict[str, Any], *args: Any) -> Callable[[Client], Any]:
    return lambda browser: browser.post(reverse(f"admin:{name}", args=[a() for a in args]), data)


def confirmed(name: str, data: dict[str, Any], *args: Any) -> Callable[[Client], Any]:
    """Nobody answers in Microsoft's place, so these ask first."""

    def send(browser: Client) -> Any:
        keys = [a() for a in args]
        page = browser.post(reverse(f"admin:{name}", args=keys), data).content.decode()
        yes = re.search(r'name="confirmed" value="([^"]+)"', page)
        assert yes
        return browser.post(reverse(f"admin:{name}", args=keys), data | {"confirmed": yes[1]})

    return send


def act(model: str, action: str, key: Callable[[], int], **data: str) -> Callable[[Client], Any]:
    def send(browser: Client) -> Any:
        more = {"action": action, "_selected_action": key(), "confirmed": "yes", "post": "yes"}
        given = {name: value.format(group=key_of_group()) for name, value in data.items()}
        return browser.post(reverse(f"admin:{model}_changelist"), more | given)

    return send


def key_of_ada() -> int:
    return int(ada().pk)


def exported_file() -> SimpleUploadedFile:
    person("new@contoso.example")
    return SimpleUploadedFile("users.csv", EXPORT.encode())


def key_of_conflict() -> int:
    other = TID.replace("1", "2")
    return int(sign_in(reason="identity_conflict", user=ada(), tid=TID, oid=other).pk)


def key_of_group() -> int:
    return int(Group.objects.get_or_create(name="Editors")[0].pk)


def key_of_app() -> int:
    fields = {"name": "Entra", "client_id": TID}
    return int(SocialApp.objects.get_or_create(provider="microsoft", defaults=fields)[0].pk)


EXPORT = f"id,mail\n{TID[:-1]}9,new@contoso.example\n"
PERSON = {"email": ADA, "name": "Ada", "is_active": "on", "is_staff": "on"}
PASSWORDS = {"password1": "x9-long-enough", "password2": "x9-long-enough"}
OLD = {f"new_{name}": value for name, value in PASSWORDS.items()}


def key_of_changed_app() -> int:
    app = SocialApp.objects.get(pk=key_of_app())
    after = microsoft_app.changed(app, microsoft_app.Changes(client_id=TID.replace("1", "2")))
    with audit.context(silent=True):
        after.save()
    return int(app.pk)


def key_of_role() -> int:
    with audit.context(silent=True):
        return int(RoleMapping.objects.create(value="Staff").pk)


DONE_IN_ADMIN: dict[str, Callable[[Client], Any]] = {
    "accounts_user_add": post("accounts_user_add", {"email": "new@contoso.example"}),
    "accounts_user_add_several": post(
        "accounts_user_add_several",
        {"people": "new@contoso.example", "confirmed": digest(["new@contoso.example"])},
    ),
    "accounts_user_change": post("accounts_user_change", PERSON, key_of_ada),
    "accounts_user_delete": post("accounts_user_delete", {"post": "yes"}, key_of_ada),
    "accounts_user_relink": lambda browser: browser.post(
        reverse("admin:accounts_user_relink", args=[ada().pk, key_of_conflict()]),
        {"reason": "x", "seen": f"{TID}:{TID}"},
    ),
    **{
        f"accounts_user_changelist: {name}": act(
            "accounts_user", name, key_of_ada, reason="x", group="{group}"
        )
        for name in (
            "delete_selected",
            "add_to_group",
            "sign_out",
            "deactivate",
            "reactivate",
            "unlink",
        )
    },
    "auth_user_password_change": post("auth_user_password_change", PASSWORDS, key_of_ada),
    "password_change": post("password_change", {"old_password": "old", **OLD}),
    "auth_group_add": post("auth_group_add", {"name": "New"}),
    "staff_help_desk": post("staff_help_desk", {}),
    "auth_group_change": post("auth_group_change", {"name": "Renamed"}, key_of_group),
    "auth_group_delete": post("auth_group_delete", {"post": "yes"}, key_of_group),
    "auth_group_changelist: delete_selected": act("auth_group", "delete_selected", key_of_group),
    "socialaccount_socialapp_add": confirmed(
        "socialaccount_socialapp_add",
        {"name": "Entra", "client_id": TID, "new_secret": "abcdefghijklmnopqrstuvwxyz"},
    ),
    "socialaccount_socialapp_undo": confirmed(
        "socialaccount_socialapp_undo", {}, lambda: key_of_changed_app()
    ),
    "socialaccount_socialapp_change": post(
        "socialaccount_socialapp_change", {"name": "Renamed", "client_id": TID}, key_of_app
    ),
    "socialaccount_socialapp_delete": post(
        "socialaccount_socialapp_delete", {"post": "yes"}, key_of_app
    ),
    "staff_rehearsal": lambda browser: browser.post(
        reverse("admin:staff_rehearsal"), {"link": "on", "file": exported_file()}
    ),
    "staff_moves": lambda browser: moved(browser),
    "staff_own_sessions": lambda browser: (
        browser_of(User.objects.get(is_superuser=True)),  # the session that is ended
        browser.post(reverse("admin:staff_own_sessions")),
    ),
    "staff_sessions_end": lambda browser: browser.post(
        reverse("admin:staff_sessions_end"), {"user": key_of_ada()}
    ),
    "accounts_signin_export": lambda browser: browser.get(reverse("admin:accounts_signin_export")),
    "accounts_auditentry_export": lambda browser: browser.get(
        reverse("admin:accounts_auditentry_export")
    ),
    "staff_rights_export": lambda browser: browser.get(reverse("admin:staff_rights_export")),
    "accounts_rolemapping_add": post(
        "accounts_rolemapping_add", {"value": "Staff", "is_staff": "on"}
    ),
    "accounts_rolemapping_change": post(
        "accounts_rolemapping_change", {"is_staff": "on"}, lambda: key_of_role()
    ),
    "accounts_rolemapping_delete": post(
        "accounts_rolemapping_delete", {"post": "yes"}, lambda: key_of_role()
    ),
}


def moved(browser: Client) -> None:
    page, asked = reverse("admin:staff_moves"), {"mapping": f"{ADA},new@contoso.example"}
    digest_of_it = browser.post(page, asked).context["digest"]
    browser.post(page, asked | {"confirmed": digest_of_it, "reason": "renamed"})


DONE_BY_COMMAND: dict[str, tuple[str, ...]] = {
    "roles set": ("Staff",),
    "staff add": ("new@contoso.example",),
    "staff deactivate": (ADA,),
    "staff reactivate": (ADA,),
    "staff preview": ("{tmp}/users.csv", "--link"),
    "staff unlink": (ADA, "--reason", "x"),
    "staff list": ("--json",),
    "staff relink": ("{tmp}/moved.csv", "--reason", "x", "--yes"),
    "staff adopt": ("--from", "allauth", "--yes"),
    "staff erase": (ADA, "--reason", "x", "--yes"),
    "sessions end": ("--everyone",),
    "sign_ins": ("--prune",),
    "audit list": ("--csv",),
    "break_glass": (ADA,),
    "audit verify": ("--acknowledge", "x"),
    "microsoft_app set": ("--name", "Renamed"),
}


def left_by(work: Callable[[], Any]) -> set[str]:
    before = set(AuditEntry.objects.values_list("pk", flat=True))
    work()
    return set(AuditEntry.objects.exclude(pk__in=before).values_list("action", flat=True))


def one_of(names: str) -> set[str]:
    return set(names.split(", "))


@pytest.mark.parametrize("where", IN_ADMIN)
def test_what_is_done_in_admin_leaves_its_entry(where: str, settings: Any) -> None:
    settings.ADMIN_PASSWORD_LOGIN = True
    person(ADA, is_active=where != "accounts_user_changelist: reactivate")
    root = superuser(password="old")
    key_of_ada(), key_of_group(), sign_in()
    if not where.startswith("socialaccount_socialapp_add"):
        key_of_app()
    browser = browser_of(root)
    assert left_by(lambda: DONE_IN_ADMIN[where](browser)) & one_of(IN_ADMIN[where])


@pytest.mark.parametrize("command", [c for c, left in COMMANDS.items() if left != READS])
def test_what_a_command_does_leaves_its_entry(command: str, settings: Any, tmp_path: Path) -> None:
    person(ADA, is_active=command != "staff reactivate")
    superuser()
    key_of_ada(), key_of_app()
    if command == "demo":
        settings.DEBUG = True
    if command == "audit verify":
        AuditEntry.objects.create(action="sessions.ended", actor_kind="person", key_id="forged")
    if command == "staff adopt":
        oid = "00000000-0000-4000-8000-00000000000a"
        new = person("new@contoso.example")
        SocialAccount.objects.create(user=new, provider="microsoft", uid=oid)
    if command == "staff preview":
        person("new@contoso.example")
        (tmp_path / "users.csv").write_text(EXPORT)
    if command == "staff relink":
        (tmp_path / "moved.csv").write_text(f"{ADA},moved@contoso.example\n")
    words = tuple(word.format(tmp=tmp_path) for word in DONE_BY_COMMAND.get(command, ()))
    assert left_by(lambda: run(*command.split(), *words)) & one_of(COMMANDS[command])


def test_djangos_own_commands_leave_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "x9-long-enough")
    made = left_by(
        lambda: call_command(
            "createsuperuser", "--noinput", email="su@contoso.example", stdout=StringIO()
        )
    )
    assert made == {"person.added"}


def test_saving_a_password_in_a_shell_leaves_its_entry() -> None:
    user = person(ADA)
    user.password = make_password("x9-long-enough")
    assert left_by(user.save) == {"person.password_changed"}
    assert settings.AUTH_USER_MODEL == "accounts.User"
