"""The ready-made Help desk group, and permission pickers without rows that nothing asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.urls import reverse

from accounts.models import AuditEntry, User
from accounts.operate import help_desk
from tests.support.admins import browser_of, permissions, person, sign_in, superuser

if TYPE_CHECKING:
    from django.test import Client

pytestmark = pytest.mark.django_db

GROUPS = "/admin/auth/group/"


@pytest.fixture
def ada() -> User:
    return person("ada@contoso.example", is_superuser=False)


@pytest.fixture
def desk() -> Client:
    """The browser of somebody in the group."""
    help_desk.make()
    member = person("desk@contoso.example")
    member.groups.add(Group.objects.get(name=help_desk.NAME))
    return browser_of(member)


def test_a_button_makes_it_once() -> None:
    browser = browser_of(superuser())
    assert "Add the Help desk group" in browser.get(GROUPS).content.decode()
    made = browser.post(f"{GROUPS}help-desk/", follow=True).content.decode()
    assert "The Help desk group is there" in made
    assert "Add the Help desk group" not in made
    group = Group.objects.get(name=help_desk.NAME)
    assert set(group.permissions.values_list("codename", flat=True)) == {
        "view_user", "view_signin", "end_sessions",
    }  # fmt: skip
    assert AuditEntry.objects.filter(action="group.added").exists()
    group.permissions.clear()
    browser.post(f"{GROUPS}help-desk/")
    assert not group.permissions.exists()


def test_who_lacks_a_right_in_it_cannot_make_it() -> None:
    editor = person("editor@contoso.example", "auth.add_group", "auth.view_group")
    browser = browser_of(editor)
    assert "Add the Help desk group" not in browser.get(GROUPS).content.decode()
    assert browser.post(f"{GROUPS}help-desk/").status_code == 403
    assert browser_of(superuser()).get(f"{GROUPS}help-desk/").status_code == 405


def test_its_members_see_people_and_why_they_are_refused(desk: Client, ada: User) -> None:
    row = sign_in(user=ada, reason="identity_conflict", email=ada.email)
    for page in (
        "/admin/accounts/user/", f"/admin/accounts/user/{ada.pk}/change/",
        "/admin/accounts/signin/", f"/admin/accounts/signin/{row.pk}/change/",
        reverse("admin:staff_sessions"),
    ):  # fmt: skip
        assert desk.get(page).status_code == 200, page


def test_its_members_change_nothing_of_anybody(desk: Client, ada: User) -> None:
    row = sign_in(user=ada, reason="identity_conflict", email=ada.email, oid="x", tid="y")
    before = User.objects.values().get(pk=ada.pk)
    for page in (
        "/admin/accounts/user/add/", "/admin/accounts/user/add-several/",
        f"/admin/accounts/user/{ada.pk}/delete/", f"/admin/accounts/user/{ada.pk}/deactivate/",
        f"/admin/accounts/user/{ada.pk}/unlink/",
        f"/admin/accounts/user/{ada.pk}/relink/{row.pk}/", "/admin/auth/group/add/",
        "/admin/socialaccount/socialapp/", "/admin/accounts/auditentry/",
        "/admin/accounts/rolemapping/",
    ):  # fmt: skip
        assert desk.get(page).status_code in (302, 403, 404), page
        assert desk.post(page, {"confirmed": "yes", "reason": "x"}).status_code in (403, 404), page
    changed = {"email": "mallory@contoso.example", "is_active": "on", "is_superuser": "on"}
    assert desk.post(f"/admin/accounts/user/{ada.pk}/change/", changed).status_code == 403
    assert User.objects.values().get(pk=ada.pk) == before


def offered(browser: Client, page: str, field: str) -> set[str]:
    form = browser.get(page).context["adminform"].form
    return {right.codename for right in form.fields[field].queryset}


@pytest.mark.parametrize(
    ("page", "field"),
    [
        ("/admin/auth/group/add/", "permissions"),
        ("/admin/accounts/user/{}/change/", "user_permissions"),
    ],
)
def test_only_what_means_something_can_be_chosen(ada: User, page: str, field: str) -> None:
    rights = offered(browser_of(superuser()), page.format(ada.pk), field)
    assert {"view_user", "change_user", "view_signin", "end_sessions", "view_auditentry"} <= rights
    assert {"add_group", "change_group"} <= rights
    assert not rights & {
        "add_signin", "change_signin", "delete_signin", "add_contenttype", "view_session",
        "add_logentry", "change_permission", "add_socialtoken", "view_emailaddress",
        "change_socialaccount", "add_breakglasslink", "delete_tenantofdomain", "add_rolemapping",
    }  # fmt: skip


def test_a_model_that_is_gone_offers_nothing(ada: User) -> None:
    gone = ContentType.objects.create(app_label="gone", model="thing")
    Permission.objects.create(content_type=gone, codename="view_thing", name="Can view thing")
    assert "view_thing" not in offered(
        browser_of(superuser()), "/admin/auth/group/add/", "permissions"
    )


def test_what_somebody_holds_is_offered_to_them_alone() -> None:
    right = "accounts.view_signin"
    assert permissions(right)
    editor = person("editor@contoso.example", right, "auth.add_group")
    assert offered(browser_of(editor), "/admin/auth/group/add/", "permissions") == {
        "view_signin", "add_group",
    }  # fmt: skip
