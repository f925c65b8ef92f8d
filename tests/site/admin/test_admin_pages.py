"""Who may open which page of admin: a table of people and pages, asked with real requests."""

from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount, SocialApp
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from accounts import audit
from accounts.models import RoleMapping, SignIn, User
from accounts.protection import secretbox
from tests.support.admins import TID, browser_of, group, person, sign_in, superuser

SECRET = "the-secret-that-nobody-may-read~42"

PEOPLE: dict[str, tuple[str, ...] | None] = {
    "superuser": None,
    "staff without rights": (),
    "views people": ("accounts.view_user",),
    "adds people": ("accounts.add_user", "accounts.view_user", "accounts.change_user"),
    "changes people": ("accounts.change_user",),
    "deletes people": ("accounts.delete_user", "accounts.view_user"),
    "views sign-ins": ("accounts.view_signin",),
    "changes sign-ins": (
        "accounts.add_signin",
        "accounts.change_signin",
        "accounts.delete_signin",
    ),
    "ends sessions": ("accounts.end_sessions",),
    "manages apps": tuple(
        f"socialaccount.{verb}_socialapp" for verb in ("view", "add", "change", "delete")
    ),
    "views the audit": ("accounts.view_auditentry",),
    "views groups": ("auth.view_group",),
}
EVERYONE = frozenset(PEOPLE) | {"not staff"}
ONLY = frozenset({"superuser"})
PEOPLE_READERS = ONLY | {"views people", "adds people", "changes people", "deletes people"}
PEOPLE_CHANGERS = ONLY | {"adds people", "changes people"}
SIGN_IN_READERS = ONLY | {"views sign-ins", "changes sign-ins"}
SESSION_ENDERS = ONLY | {"ends sessions"}

# Page, method, who may; {person}, {row}, {app} and {group} stand for one of each.
TABLE: list[tuple[str, str, frozenset[str]]] = [
    ("/admin/", "GET", EVERYONE - {"not staff"}),
    ("/admin/accounts/user/", "GET", PEOPLE_READERS),
    ("/admin/accounts/user/add/", "GET", ONLY | {"adds people"}),
    ("/admin/accounts/user/add-several/", "GET", ONLY | {"adds people"}),
    ("/admin/accounts/user/{person}/change/", "GET", PEOPLE_READERS),
    ("/admin/accounts/user/{person}/history/", "GET", PEOPLE_READERS),
    ("/admin/accounts/user/{person}/delete/", "GET", ONLY | {"deletes people"}),
    ("/admin/accounts/user/{person}/deactivate/", "GET", PEOPLE_CHANGERS),
    ("/admin/accounts/user/{person}/reactivate/", "GET", PEOPLE_CHANGERS),
    ("/admin/accounts/user/{person}/unlink/", "GET", ONLY),
    ("/admin/accounts/user/{person}/relink/{conflict}/", "GET", ONLY),
    ("/admin/accounts/user/{person}/relink/{row}/", "GET", frozenset()),
    ("/admin/accounts/user/{person}/sign_out/", "GET", SESSION_ENDERS),
    ("/admin/accounts/user/{person}/password/", "GET", frozenset()),
    ("/admin/accounts/signin/", "GET", SIGN_IN_READERS),
    ("/admin/accounts/signin/export/", "GET", SIGN_IN_READERS),
    ("/admin/accounts/signin/{row}/change/", "GET", SIGN_IN_READERS),
    ("/admin/accounts/signin/add/", "GET", frozenset()),
    ("/admin/accounts/signin/{row}/change/", "POST", frozenset()),
    ("/admin/accounts/signin/{row}/delete/", "GET", frozenset()),
    ("/admin/accounts/signin/{row}/delete/", "POST", frozenset()),
    ("/admin/accounts/auditentry/", "GET", ONLY | {"views the audit"}),
    ("/admin/accounts/auditentry/export/", "GET", ONLY | {"views the audit"}),
    ("/admin/accounts/auditentry/{entry}/change/", "GET", ONLY | {"views the audit"}),
    ("/admin/accounts/auditentry/add/", "GET", frozenset()),
    ("/admin/accounts/auditentry/{entry}/change/", "POST", frozenset()),
    ("/admin/accounts/auditentry/{entry}/delete/", "POST", frozenset()),
    ("/admin/accounts/sessions/", "GET", SESSION_ENDERS),
    ("/admin/accounts/rehearsal/", "GET", PEOPLE_READERS),
    ("/admin/accounts/moves/", "GET", ONLY),
    ("/admin/accounts/rights/", "GET", ONLY),
    ("/admin/accounts/rights/export/", "GET", ONLY),
    ("/admin/accounts/rolemapping/", "GET", ONLY),
    ("/admin/accounts/rolemapping/add/", "GET", ONLY),
    ("/admin/accounts/rolemapping/{role}/change/", "GET", ONLY),
    ("/admin/accounts/rolemapping/{role}/delete/", "GET", ONLY),
    ("/admin/socialaccount/socialapp/", "GET", ONLY),
    ("/admin/socialaccount/socialapp/add/", "GET", ONLY),
    ("/admin/socialaccount/socialapp/{app}/change/", "GET", ONLY),
    ("/admin/socialaccount/socialapp/{app}/history/", "GET", ONLY),
    ("/admin/socialaccount/socialapp/{app}/delete/", "GET", ONLY),
    ("/admin/socialaccount/socialapp/test/", "GET", frozenset()),
    ("/admin/socialaccount/socialapp/{app}/test/", "GET", frozenset()),
    ("/admin/auth/group/", "GET", ONLY | {"views groups"}),
    ("/admin/auth/group/{group}/change/", "GET", ONLY | {"views groups"}),
    ("/admin/password_change/", "GET", frozenset()),
]


@pytest.fixture
def things(db: None) -> dict[str, Any]:
    return one_of_each()


def one_of_each() -> dict[str, Any]:
    """One of each thing that a page is about, by its primary key."""
    colleague = person("colleague@contoso.example", name="Cole League")
    SocialAccount.objects.create(user=colleague, provider="microsoft", uid=f"{TID}:{TID}")
    row = sign_in(reason="user_inactive", user=colleague, email=colleague.email)
    fields: dict[str, Any] = {"user": colleague, "email": colleague.email, "tid": TID, "oid": TID}
    conflict = sign_in(reason="identity_conflict", **fields)
    app = SocialApp.objects.create(
        provider="microsoft",
        name="Entra",
        client_id=TID,
        secret=secretbox.encrypt(SECRET),
        settings={"next_secret": secretbox.encrypt(SECRET)},
    )
    return {
        "person": colleague.pk,
        "row": row.pk,
        "conflict": conflict.pk,
        "app": app.pk,
        "group": group("Editors").pk,
        "role": RoleMapping.objects.create(value="Staff").pk,
        "entry": audit.write("sessions.ended", colleague).pk,
    }


def client_of(who: str) -> Client:
    rights = PEOPLE.get(who, ())
    if rights is None:
        return browser_of(superuser())
    return browser_of(person("asker@contoso.example", *rights, is_staff=who != "not staff"))


@pytest.mark.parametrize("who", sorted(EVERYONE))
def test_each_person_opens_what_the_table_says_and_reads_no_secret(
    things: dict[str, Any], who: str
) -> None:
    client = client_of(who)
    wrong = []
    for page, method, may in TABLE:
        response = client.generic(method, page.format(**things))
        opened = response.status_code == 200
        if opened != (who in may):
            wrong.append(f"{method} {page}: {response.status_code}")
        assert SECRET.encode() not in response.getvalue()
        assert b"enc1:" not in response.getvalue()
    assert wrong == []


def test_the_table_has_every_page_that_admin_registers() -> None:
    listed = {page.split("/")[3] for page, *_ in TABLE if page.count("/") > 3}
    assert {model._meta.model_name for model in admin.site._registry} <= listed


def test_pages_that_show_secrets_or_bind_by_hand_are_not_registered() -> None:
    registered = {model._meta.label for model in admin.site._registry}
    assert registered == {
        "accounts.User",
        "accounts.SignIn",
        "accounts.AuditEntry",
        "socialaccount.SocialApp",
        "auth.Group",
        "accounts.RoleMapping",
    }


@pytest.mark.parametrize("who", sorted(EVERYONE - SESSION_ENDERS))
def test_only_those_with_the_right_end_sessions(things: dict[str, Any], who: str) -> None:
    client = client_of(who)
    response = client.post(reverse("admin:staff_sessions_end"), {"user": things["person"]})
    assert response.status_code != 200
    assert "sessions" not in response.headers.get("Location", "").split("?")[0]


@pytest.mark.parametrize("who", sorted(EVERYONE - ONLY))
def test_only_superusers_test_or_change_the_app(things: dict[str, Any], who: str) -> None:
    client = client_of(who)
    app = f"/admin/socialaccount/socialapp/{things['app']}"
    tests = (f"{app}/test/", "/admin/socialaccount/socialapp/test/")
    for page in (f"{app}/change/", f"{app}/delete/", *tests):
        assert client.post(page, {"name": "mine", "post": "yes"}).status_code in (302, 403)
    assert SocialApp.objects.get().name == "Entra"


@pytest.mark.parametrize("action", ["sign_out", "deactivate", "reactivate", "unlink"])
@pytest.mark.parametrize("who", sorted(EVERYONE))
def test_actions_are_taken_by_those_with_the_right(
    things: dict[str, Any], who: str, action: str
) -> None:
    asked = {
        "action": action,
        "_selected_action": things["person"],
        "confirmed": "yes",
        "reason": "the table says so",
    }
    client_of(who).post("/admin/accounts/user/", asked)
    may = (
        ONLY if action in ("sign_out", "unlink") else PEOPLE_CHANGERS
    )  # nobody else has the list as well
    assert _history(things["person"]) == (1 if who in may else 0)


def _history(pk: int) -> int:
    return LogEntry.objects.filter(object_id=str(pk)).count()


def test_the_record_cannot_be_changed_even_by_a_superuser(things: dict[str, Any]) -> None:
    before = list(SignIn.objects.order_by("pk").values())
    client = browser_of(superuser())
    client.post(f"/admin/accounts/signin/{things['row']}/change/", {"reason": ""})
    client.post(
        "/admin/accounts/signin/",
        {"action": "delete_selected", "_selected_action": things["row"], "post": "yes"},
    )
    assert list(SignIn.objects.order_by("pk").values()) == before


def test_the_app_list_names_only_what_can_be_opened(things: dict[str, Any]) -> None:
    page = client_of("ends sessions").get("/admin/").content.decode()
    assert "Who is signed in" in page
    assert "Go-live rehearsal" not in page
    assert "/admin/accounts/user/" not in page


def test_people_have_no_default_password(things: dict[str, Any]) -> None:
    assert not User.objects.get(pk=things["person"]).has_usable_password()
