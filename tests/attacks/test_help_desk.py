"""Whoever helps people sign in climbs no higher, by whatever page, action, form or popup."""

from __future__ import annotations

import json
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount, SocialApp
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import Model
from django.urls import reverse

from accounts.admin.people.add_several import digest
from accounts.models import RoleMapping, SignIn, User
from accounts.operate import help_desk
from accounts.protection import secretbox
from tests.support.admins import TID, browser_of, group, permissions, person, sign_in, superuser

pytestmark = pytest.mark.django_db

OID, NEW = (f"00000000-0000-4000-8000-00000000000{n}" for n in (1, 2))
USERS, GROUPS = "/admin/accounts/user/", "/admin/auth/group/"
# Somebody who was given more than the group has: everything about people and groups that there is.
MORE = (
    *(f"accounts.{verb}_user" for verb in ("view", "add", "change", "delete")),
    *(f"auth.{verb}_group" for verb in ("view", "add", "change", "delete")),
    *(f"accounts.{verb}_rolemapping" for verb in ("view", "add", "change", "delete")),
    *(f"socialaccount.{verb}_socialapp" for verb in ("view", "add", "change", "delete")),
)


@pytest.fixture
def root() -> User:
    user = superuser("root@contoso.example", name="Robin Root")
    kept = {"email": user.email, "name": user.name}
    SocialAccount.objects.create(
        user=user, provider="microsoft", uid=f"{TID}:{OID}", extra_data=kept
    )
    return user


@pytest.fixture
def desk() -> User:
    help_desk.make()
    member = person("desk@contoso.example", name="Dee Desk")
    member.groups.add(Group.objects.get(name=help_desk.NAME))
    return member


@pytest.fixture
def ada() -> User:
    return person("ada@contoso.example", name="Ada")


@pytest.fixture
def world(root: User, desk: User, ada: User) -> dict[str, int]:
    """What there is to climb on, by key."""
    app = SocialApp.objects.create(
        provider="microsoft", name="Entra", client_id=TID, secret=secretbox.encrypt("a-secret-0123")
    )
    facts: dict[str, Any] = {"tid": TID, "oid": NEW, "email": root.email}
    mapped = group("Mapped", "accounts.view_user")
    role = RoleMapping.objects.create(value="Staff", is_staff=True)
    role.groups.add(mapped)
    return {
        "mapped": mapped.pk,
        "former": superuser("former@contoso.example", is_active=False).pk,
        "beyond": group("Beyond", "accounts.view_auditentry").pk,
        "root": root.pk, "desk": desk.pk, "ada": ada.pk, "app": app.pk,
        "strong": group("Strong", "accounts.end_sessions", "auth.change_group").pk,
        "own": Group.objects.get(name=help_desk.NAME).pk,
        "lacked": permissions("accounts.view_auditentry")[0].pk,
        "row": sign_in(reason="identity_conflict", user=root, **facts).pk,
        "role": role.pk,
    }  # fmt: skip


def state() -> str:
    """Who may do what, who is who, and what signs them in."""
    models: list[type[Model]] = [
        User, Group, SocialAccount, SocialApp, RoleMapping,
        RoleMapping.groups.through, User.groups.through,
        User.user_permissions.through, Group.permissions.through,
    ]  # fmt: skip
    rows = {
        model.__name__: list(model._default_manager.order_by("pk").values()) for model in models
    }
    for row in rows["User"]:
        del row["last_login"], row["session_version"]
    return json.dumps(rows, default=str, indent=1)


def act(name: str, who: str = "ada", **more: Any) -> tuple[str, dict[str, Any]]:
    asked = {"action": name, "_selected_action": "{" + who + "}", "confirmed": "yes"}
    return USERS, asked | {"reason": "x", "post": "yes"} | more


SUPER = {"is_active": "on", "is_staff": "on", "is_superuser": "on"}
LINES = [f'eve@contoso.example,"Eve",{NEW}']
FOUND = f"email,name,id\nada@contoso.example,Ada,{NEW}\n"
Attack = tuple[str, dict[str, Any]]
BY_THE_GROUP: dict[str, Attack] = {
    "adds a person": (f"{USERS}add/", {"email": "eve@contoso.example"}),
    "adds one in a popup": (f"{USERS}add/?_popup=1&_to_field=id", {"email": "e@x.example"}),
    "adds several": (
        f"{USERS}add-several/",
        {"people": LINES[0], "confirmed": digest(LINES), "groups": ["{strong}"]},
    ),
    "makes themselves a superuser": (
        f"{USERS}{{desk}}/change/", SUPER | {"email": "desk@contoso.example"},
    ),
    "does so in a popup": (
        f"{USERS}{{desk}}/change/?_popup=1", SUPER | {"email": "desk@contoso.example"},
    ),
    "takes a superuser's address": (
        f"{USERS}{{root}}/change/", SUPER | {"email": "evil@contoso.example"},
    ),
    "gives an address away": (f"{USERS}{{ada}}/change/", SUPER | {"email": "x@x.example"}),
    "sets a superuser's password": (
        f"{USERS}{{root}}/password/", {"password1": "x-1234567y", "password2": "x-1234567y"},
    ),
    "deletes a superuser": (f"{USERS}{{root}}/delete/", {"post": "yes"}),
    "adds a group": (f"{GROUPS}add/", {"name": "Mine", "permissions": ["{lacked}"]}),
    "adds a group in a popup": (f"{GROUPS}add/?_popup=1", {"name": "Mine"}),
    "strengthens their group": (
        f"{GROUPS}{{own}}/change/", {"name": "Help desk", "permissions": ["{lacked}"]},
    ),
    "makes the group anew": (f"{GROUPS}help-desk/", {}),
    "joins a group": act("add_to_group", "desk", group="{strong}"),
    "puts a friend into a group": act("add_to_group", group="{strong}"),
    "unlinks a superuser": act("unlink", "root"),
    "deactivates a superuser": act("deactivate", "root"),
    "deactivates a person": act("deactivate"),
    "reactivates a person": act("reactivate"),
    "deletes by action": act("delete_selected"),
    "names an action that is none": act("make_superuser"),
    "links a superuser's identity": (
        f"{USERS}{{root}}/relink/{{row}}/", {"reason": "x", "seen": f"{TID}:{OID}"},
    ),
    "moves a superuser's identity": (
        "/admin/accounts/moves/",
        {"mapping": f"root@contoso.example,{NEW}", "confirmed": "x", "reason": "x"},
    ),
    "links by a rehearsal": ("/admin/accounts/rehearsal/", {"link": "on", "file": FOUND}),
    "maps a role": (
        "/admin/accounts/rolemapping/add/",
        {"value": "Mine", "is_superuser": "on", "confirmed": "on"},
    ),
    "changes a role": ("/admin/accounts/rolemapping/{role}/change/", {"is_superuser": "on"}),
    "changes the app": (
        "/admin/socialaccount/socialapp/{app}/change/", {"name": "Mine", "client_id": NEW},
    ),
    "changes the record": ("/admin/accounts/signin/{row}/change/", {"user": "{desk}"}),
    "binds through allauth's pages": (
        "/admin/socialaccount/socialaccount/add/",
        {"user": "{desk}", "provider": "microsoft", "uid": f"{TID}:{OID}"},
    ),
    "owns an address through allauth's": (
        "/admin/account/emailaddress/add/", {"user": "{desk}", "email": "root@contoso.example"},
    ),
}  # fmt: skip
# What their rights do allow, done to people and groups beyond them; each must change nothing.
BY_MORE = {name: BY_THE_GROUP[name] for name in (
    "takes a superuser's address", "sets a superuser's password", "deletes a superuser",
    "strengthens their group", "joins a group", "unlinks a superuser", "deactivates a superuser",
    "links a superuser's identity", "moves a superuser's identity", "links by a rehearsal",
    "maps a role", "changes a role", "changes the app", "binds through allauth's pages",
    "owns an address through allauth's", "makes the group anew",
)} | {
    "adds several superusers": (
        f"{USERS}add-several/",
        {"people": LINES[0], "confirmed": digest(LINES), "user_permissions": ["{lacked}"]},
    ),
    "gives a friend what they lack": (
        f"{USERS}{{ada}}/change/",
        SUPER | {"email": "ada@contoso.example", "name": "Ada",
                 "user_permissions": ["{lacked}"]},
    ),
    "links an identity to one who is here": (
        f"{USERS}add-several/",
        {"people": FOUND, "confirmed": digest(FOUND.splitlines())},
    ),
    "binds themselves to a superuser's identity": (
        f"{USERS}add-several/",
        {"people": (mine := f"email,id\nnew@contoso.example,{OID}"),
         "confirmed": digest(mine.splitlines())},
    ),
    "unlinks a friend": act("unlink"),
    "joins a group that a role gives": act("add_to_group", "desk", group="{mapped}"),
    "puts a friend into it": act("add_to_group", group="{mapped}"),
    "puts a friend into it by the form": (
        f"{USERS}{{ada}}/change/",
        SUPER | {"email": "ada@contoso.example", "name": "Ada", "groups": ["{mapped}"]},
    ),
    "deletes a group that a role gives": (f"{GROUPS}{{mapped}}/delete/", {"post": "yes"}),
    "deletes it by action": (
        GROUPS, {"action": "delete_selected", "_selected_action": "{mapped}", "post": "yes"},
    ),
    "adds several to a stronger group": (
        f"{USERS}add-several/",
        {"people": LINES[0], "confirmed": digest(LINES), "groups": ["{beyond}"]},
    ),
    "deactivates everybody": act("deactivate", select_across="1"),
    "unlinks everybody": act("unlink", select_across="1"),
    "reactivates a stronger one": act("reactivate", "former"),
    "deletes a stronger one who is switched off": (f"{USERS}{{former}}/delete/", {"post": "yes"}),
}  # fmt: skip


@pytest.mark.parametrize("more", [(), MORE], ids=["the group", "with every right over people"])
def test_nothing_that_is_tried_changes_who_may_do_what(
    desk: User, world: dict[str, int], more: tuple[str, ...]
) -> None:
    desk.user_permissions.set(permissions(*more))
    browser, before = browser_of(desk), state()
    for name, (path, asked) in (BY_MORE if more else BY_THE_GROUP).items():
        answer = browser.post(path.format(**world), filled(asked, world))
        assert answer.status_code < 500, name
        assert state() == before, name


def filled(asked: dict[str, Any], world: dict[str, int]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in asked.items():
        if name == "file":
            found[name] = SimpleUploadedFile("people.csv", value.encode())
        elif isinstance(value, list):
            found[name] = [one.format(**world) for one in value]
        else:
            found[name] = value.format(**world)
    return found


def test_what_the_group_may_do_it_may(root: User, desk: User, ada: User) -> None:
    """Sees people, why they are refused, and who is signed in; signs anybody out."""
    row = sign_in(user=ada, reason="user_inactive", email=ada.email, reference="BCDF-2345")
    browser, theirs, roots = browser_of(desk), browser_of(ada), browser_of(root)
    for path, told in (
        (f"{USERS}?q=ada", ada.email),
        (f"{USERS}{ada.pk}/change/", "BCDF-2345"),
        ("/admin/accounts/signin/?q=BCDF2345", "BCDF-2345"),
        (f"/admin/accounts/signin/{row.pk}/change/", "Switched off"),
        (reverse("admin:staff_sessions"), ada.email),
    ):
        page = browser.get(path)
        assert page.status_code == 200, path
        assert told in page.content.decode() or told == "Switched off", path
    browser.post(*act_of_one("sign_out", ada))
    browser.post(reverse("admin:staff_sessions_end"), {"user": root.pk})
    assert [one.get("/admin/").status_code for one in (theirs, roots)] == [302, 302]
    assert SignIn.objects.filter(pk=row.pk).exists()


def act_of_one(name: str, who: User) -> tuple[str, dict[str, Any]]:
    return USERS, {"action": name, "_selected_action": who.pk, "confirmed": "yes"}


def test_it_offers_them_nothing_that_they_may_not_do(
    desk: User, ada: User, world: dict[str, int]
) -> None:
    browser = browser_of(desk)
    shown = "".join(
        browser.get(path.format(**world)).content.decode()
        for path in ("/admin/", USERS, f"{USERS}{{ada}}/change/", "/admin/accounts/signin/")
    )
    for word in ("add-several", "/unlink/", "/deactivate/", "relink", "moves/", "rolemapping",
                 'name="_save"', "socialapp", "auditentry", "value=\"add_to_group\""):  # fmt: skip
        assert word not in shown, word
