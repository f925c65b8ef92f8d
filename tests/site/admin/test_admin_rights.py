"""Nobody climbs: staff who may change people gain and give no right that they do not hold."""

import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from pytest_django import Settings

from accounts.admin.people.add_several import digest
from accounts.models import User
from tests.support.admins import TID, browser_of, group, permissions, person, superuser

HELPER = ("accounts.view_user", "accounts.add_user", "accounts.change_user", "accounts.delete_user")
EDITS_GROUPS = ("auth.view_group", "auth.add_group", "auth.change_group", "auth.delete_group")
STRONGER = ("accounts.end_sessions",)


@pytest.fixture
def helper(db: None) -> User:
    return person("helper@contoso.example", *HELPER, *EDITS_GROUPS)


@pytest.fixture
def browser(helper: User) -> Client:
    return browser_of(helper)


def change(browser: Client, user: User, **fields: object) -> int:
    """Save the person's page with these fields; everything else as it is."""
    values = {"email": user.email, "name": user.name, "is_active": "on", "is_staff": "on"}
    posted = {name: value for name, value in (values | fields).items() if value is not None}
    page = f"/admin/accounts/user/{user.pk}/change/"
    status = browser.post(page, posted).status_code
    user.refresh_from_db()
    return status


def act(browser: Client, action: str, *people: User) -> None:
    chosen = [user.pk for user in people]
    posted = {"action": action, "_selected_action": chosen, "confirmed": "yes", "reason": "why"}
    browser.post("/admin/accounts/user/", posted | {"post": "yes"})
    for user in people:
        if User.objects.filter(pk=user.pk).exists():
            user.refresh_from_db()


def bind(user: User) -> SocialAccount:
    return SocialAccount.objects.create(
        user=user, provider="microsoft", uid=f"{TID}:0000-{user.pk}"
    )


def test_they_may_change_an_equal(browser: Client) -> None:
    equal = person("equal@contoso.example", "accounts.view_user")
    assert change(browser, equal, name="Changed") == 302
    assert equal.name == "Changed"


def test_they_cannot_make_a_superuser(browser: Client) -> None:
    equal = person("equal@contoso.example")
    change(browser, equal, is_superuser="on")
    assert not equal.is_superuser


def test_they_cannot_make_themselves_superuser(browser: Client, helper: User) -> None:
    change(browser, helper, is_superuser="on")
    assert not helper.is_superuser


def test_they_cannot_add_a_superuser(browser: Client) -> None:
    posted = {"email": "new@contoso.example", "name": "", "is_superuser": "on"}
    browser.post("/admin/accounts/user/add/", posted)
    assert not User.objects.get(email="new@contoso.example").is_superuser


def test_they_cannot_change_a_superuser(browser: Client) -> None:
    root = superuser()
    assert change(browser, root, email="helper2@contoso.example") == 403
    assert root.email == "root@contoso.example"


def test_they_cannot_change_someone_with_a_right_they_lack(browser: Client) -> None:
    stronger = person("stronger@contoso.example", *STRONGER)
    assert change(browser, stronger, email="helper2@contoso.example") == 403


def test_they_cannot_change_someone_stronger_who_is_switched_off(browser: Client) -> None:
    stronger = person("stronger@contoso.example", *STRONGER, is_active=False)
    assert change(browser, stronger, name="Mine") == 403


def test_they_cannot_change_someone_stronger_by_a_group(browser: Client) -> None:
    stronger = person("stronger@contoso.example")
    stronger.groups.add(group("Strong", *STRONGER))
    assert change(browser, stronger, name="Mine") == 403


def test_they_cannot_grant_a_right_they_lack(browser: Client, helper: User) -> None:
    change(browser, helper, user_permissions=[permissions(*STRONGER)[0].pk])
    assert not User.objects.get(pk=helper.pk).has_perm(STRONGER[0])


def test_they_can_grant_a_right_they_hold(browser: Client) -> None:
    equal = person("equal@contoso.example")
    change(browser, equal, user_permissions=[permissions("accounts.view_user")[0].pk])
    assert User.objects.get(pk=equal.pk).has_perm("accounts.view_user")


def test_they_cannot_join_a_stronger_group(browser: Client, helper: User) -> None:
    change(browser, helper, groups=[group("Strong", *STRONGER).pk])
    assert not helper.groups.exists()


def test_they_cannot_put_a_right_they_lack_into_a_group(browser: Client) -> None:
    mine = group("Mine")
    posted = {"name": "Mine", "permissions": [permissions(*STRONGER)[0].pk]}
    browser.post(f"/admin/auth/group/{mine.pk}/change/", posted)
    browser.post("/admin/auth/group/add/", posted | {"name": "Other"})
    assert not mine.permissions.exists()


def test_they_cannot_change_or_delete_a_stronger_group(browser: Client) -> None:
    strong = group("Strong", *STRONGER)
    page = f"/admin/auth/group/{strong.pk}"
    assert browser.post(f"{page}/change/", {"name": "Weak"}).status_code == 403
    assert browser.post(f"{page}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("action", ["deactivate", "reactivate", "unlink", "delete_selected"])
def test_no_action_touches_a_superuser(browser: Client, action: str) -> None:
    root = superuser(is_active=action != "reactivate")
    bind(root)
    before = root.is_active
    act(browser, action, root)
    assert root.is_active == before
    assert User.objects.filter(pk=root.pk).exists()
    assert SocialAccount.objects.filter(user=root).exists()


def test_one_who_may_not_be_touched_stops_the_action_for_all(browser: Client) -> None:
    equal, root = person("equal@contoso.example"), superuser()
    act(browser, "deactivate", equal, root)
    assert equal.is_active


def test_nobody_deactivates_themselves(browser: Client, helper: User) -> None:
    change(browser, helper, is_active=None, is_staff=None)
    act(browser, "deactivate", helper)
    assert helper.is_active
    assert helper.is_staff


def test_a_superuser_does_not_drop_their_own_rights(db: None) -> None:
    root = superuser()
    change(browser_of(root), root, is_superuser=None, is_active=None)
    assert root.is_superuser
    assert root.is_active


@pytest.mark.parametrize("by", ["helper", "superuser"])
def test_nobody_deletes_themselves(helper: User, by: str) -> None:
    user = helper if by == "helper" else superuser()
    act(browser_of(user), "delete_selected", user)
    browser_of(user).post(f"/admin/accounts/user/{user.pk}/delete/", {"post": "yes"})
    assert User.objects.filter(pk=user.pk).exists()


@pytest.mark.parametrize("whose", ["equal", "root"])
def test_superusers_alone_set_other_peoples_passwords(
    browser: Client, settings: Settings, whose: str
) -> None:
    settings.ADMIN_PASSWORD_LOGIN = True
    user = superuser() if whose == "root" else person("equal@contoso.example")
    posted = {"password1": "a-Long-one-123", "password2": "a-Long-one-123"}
    page = f"/admin/accounts/user/{user.pk}/password/"
    assert browser.post(page, posted | {"usable_password": "true"}).status_code == 403
    root = browser_of(superuser("other-root@contoso.example"))
    assert root.get(page).status_code == 200


def test_who_is_added_again_by_pasting_gains_nothing(browser: Client) -> None:
    outsider = person("outsider@contoso.example", is_staff=False)
    seen = {"people": outsider.email, "confirmed": digest([outsider.email])}
    browser.post("/admin/accounts/user/add-several/", seen)
    outsider.refresh_from_db()
    assert not outsider.is_staff
