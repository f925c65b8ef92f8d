"""A help-desk account cannot borrow anyone's rights, and a re-link lets in nobody else."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.db.models.signals import post_init
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from typing_extensions import override

from accounts import users
from accounts.admin.people.actions import ACTIONS, confirmation_page
from accounts.admin.people.mixin import MicrosoftUserAdminMixin
from accounts.admin.people.person_page import actions_for
from accounts.models import RoleMapping, SignIn, User
from accounts.operate import linking, people, roles
from accounts.operate.erasure import erase_person
from accounts.operate.roles import Row
from accounts.signin import mapping
from accounts.signin.identities import PROVIDER
from accounts.signin.mapping import RightsChange
from accounts.signin.roles import HeldRights, Rights
from tests.support.admins import (
    TID,
    browser_of,
    group,
    permissions,
    person,
    sign_in,
    superuser,
)

pytestmark = pytest.mark.django_db

HELPER = ("accounts.view_user", "accounts.add_user", "accounts.change_user", "accounts.delete_user")
USERS = "/admin/accounts/user/"
EDITS_GROUPS = ("auth.view_group", "auth.add_group", "auth.change_group")
OTHER_TID = "22222222-2222-4222-8222-222222222222"
OLD, NEW = (f"00000000-0000-4000-8000-00000000000{n}" for n in (1, 2))


@pytest.fixture
def helper() -> User:
    return person("helper@contoso.example", *HELPER, *EDITS_GROUPS, name="Hal Helper")


@pytest.fixture
def browser(helper: User) -> Client:
    return browser_of(helper)


def bound(user: User, oid: str = OLD, tid: str = TID, **kept: str) -> SocialAccount:
    return SocialAccount.objects.create(
        user=user, provider=PROVIDER, uid=f"{tid}:{oid}", extra_data=kept
    )


def save(browser: Client, user: User, **fields: object) -> None:
    values = {"email": user.email, "name": user.name, "is_active": "on", "is_staff": "on"}
    browser.post(f"/admin/accounts/user/{user.pk}/change/", values | fields)
    user.refresh_from_db()


def test_an_equals_address_cannot_be_moved_to_a_second_account(browser: Client) -> None:
    equal = person("equal@contoso.example")
    second = person("second@contoso.example")
    save(browser, equal, email="elsewhere@contoso.example")
    save(browser, second, email="equal@contoso.example")
    assert (equal.email, second.email) == ("equal@contoso.example", "second@contoso.example")


def test_nor_taken_by_unlinking_the_equal(browser: Client) -> None:
    equal = person("equal@contoso.example")
    bound(equal)
    data = {"action": "unlink", "_selected_action": equal.pk, "confirmed": "yes", "reason": "x"}
    browser.post("/admin/accounts/user/", data)
    assert browser.get(f"/admin/accounts/user/{equal.pk}/unlink/").status_code == 403
    assert SocialAccount.objects.filter(user=equal).exists()


def test_nor_by_linking_a_refused_identity_of_theirs(browser: Client) -> None:
    equal = person("equal@contoso.example")
    bound(equal)
    row = sign_in(reason="identity_conflict", user=equal, tid=TID, oid=NEW, email=equal.email)
    page = f"/admin/accounts/user/{equal.pk}/relink/{row.pk}/"
    assert browser.get(page).status_code == 403
    assert browser.post(page, {"reason": "x", "seen": f"{TID}:{OLD}"}).status_code == 403
    assert "relink" not in browser.get("/admin/accounts/signin/").content.decode()


def test_what_is_lent_by_a_group_cannot_be_kept_in_person(browser: Client, helper: User) -> None:
    lent = group("Lent for a week", "accounts.view_signin")
    helper.groups.add(lent)
    right = permissions("accounts.view_signin")[0]
    save(browser, helper, user_permissions=[right.pk], groups=[lent.pk])
    helper.groups.remove(lent)
    assert not User.objects.get(pk=helper.pk).has_perm("accounts.view_signin")


def test_nor_put_into_another_group_of_theirs(browser: Client, helper: User) -> None:
    own, lent = group("Own"), group("Lent", "accounts.view_signin")
    helper.groups.set([own, lent])
    right = permissions("accounts.view_signin")[0]
    browser.post(f"/admin/auth/group/{own.pk}/change/", {"name": "Own", "permissions": [right.pk]})
    assert not own.permissions.exists()


def test_nobody_leaves_a_group_to_be_let_into_it_changed(browser: Client, helper: User) -> None:
    own = group("Own", "accounts.view_user")
    helper.groups.add(own)
    save(browser, helper, groups=[])
    assert list(helper.groups.all()) == [own]


def test_no_new_account_gets_what_its_maker_lacks(browser: Client) -> None:
    strong = group("Strong", "accounts.end_sessions")
    for fields in ({"is_superuser": "on"}, {"groups": [strong.pk]}):
        browser.post("/admin/accounts/user/add/", {"email": "mine@contoso.example", **fields})
        User.objects.filter(email="mine@contoso.example", is_superuser=True).exists()
    mine = User.objects.get(email="mine@contoso.example")
    assert not mine.is_superuser
    assert not mine.groups.exists()
    save(browser, mine, groups=[strong.pk], is_superuser="on")
    assert not mine.groups.exists()
    assert not mine.is_superuser


def test_rights_are_raised_in_sight_of_whose_identity_it_is() -> None:
    user = person("ada@contoso.example", name="Ada")
    bound(user, email="mallory@contoso.example", name="Mallory")
    page = browser_of(superuser()).get(f"/admin/accounts/user/{user.pk}/change/").content.decode()
    for fact in (TID, OLD, "Mallory", "mallory@contoso.example"):
        assert fact in page


# --- linking what was refused ---------------------------------------------------------------------


def refused(user: User, **fields: str) -> SignIn:
    values: dict[str, Any] = {
        "tid": TID,
        "oid": NEW,
        "email": user.email,
        "claimed_name": "Ada Lovelace",
    }
    return sign_in(reason="identity_conflict", user=user, **(values | fields))


def relink(user: User, row: SignIn, seen: str = f"{TID}:{OLD}") -> tuple[str, str]:
    """The page before, and what is bound after."""
    root = browser_of(superuser())
    page = f"/admin/accounts/user/{user.pk}/relink/{row.pk}/"
    before = root.get(page).content.decode()
    root.post(page, {"reason": "re-created in Entra", "seen": seen})
    return before, str(SocialAccount.objects.get(user=user).uid)


@pytest.fixture
def ada() -> User:
    user = person("ada@contoso.example", name="Ada Lovelace")
    bound(user, email="ada@contoso.example", name="Ada Lovelace")
    return user


def test_it_binds_exactly_what_was_refused_and_signs_out(ada: User) -> None:
    theirs = browser_of(ada)
    page, uid = relink(ada, refused(ada))
    assert "DIFFERENT" not in page
    assert OLD in page
    assert NEW in page
    assert uid == f"{TID}:{NEW}"
    assert theirs.get("/admin/").status_code == 302


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"claimed_name": "Mallory Malone"}, "DIFFERENT NAME"),
        ({"claimed_name": ""}, "No name to compare"),
        ({"tid": OTHER_TID}, "DIFFERENT TENANT"),
        ({"email": "mallory@contoso.example"}, "DIFFERENT ADDRESS"),
    ],
)
def test_an_impostor_stands_out(ada: User, fields: dict[str, str], said: str) -> None:
    row = refused(ada, **fields)
    root = browser_of(superuser())
    page = root.get(f"/admin/accounts/user/{ada.pk}/relink/{row.pk}/").content.decode()
    assert said in page
    if said in ("DIFFERENT NAME", "DIFFERENT ADDRESS"):
        assert "looks like someone else" in root.get("/admin/accounts/signin/").content.decode()


def test_two_who_were_refused_are_said_to_be_two(ada: User) -> None:
    refused(ada)
    row = refused(ada, oid=OLD.replace("1", "3"))
    page = browser_of(superuser()).get(f"/admin/accounts/user/{ada.pk}/relink/{row.pk}/")
    assert "SEVERAL ACCOUNTS" in page.content.decode()


@pytest.mark.parametrize("why", ["tenant", "taken", "changed", "no reason", "other person"])
def test_what_cannot_be_linked_leaves_everything_as_it_was(ada: User, why: str) -> None:
    row = refused(ada, **{"tid": OTHER_TID} if why == "tenant" else {})
    if why == "taken":
        bound(person("eve@contoso.example"), oid=NEW)
    user = person("bob@contoso.example") if why == "other person" else ada
    seen = f"{TID}:{NEW}" if why == "changed" else f"{TID}:{OLD}"
    reason = "" if why == "no reason" else "x"
    root = browser_of(superuser())
    root.post(f"/admin/accounts/user/{user.pk}/relink/{row.pk}/", {"reason": reason, "seen": seen})
    assert SocialAccount.objects.get(user=ada).uid == f"{TID}:{OLD}"
    assert Group.objects.count() == 0


@pytest.mark.parametrize(
    ("here", "there", "same"),
    [
        ("Ada Lovelace", "Lovelace, Ada", True),
        ("Ada Lovelace", "Ada King Lovelace", True),
        ("Zoë Müller", "ZOË MÜLLER", True),
        ("Ada Lovelace", "Ada Byron", False),
        ("Ada Lovelace", "Mallory", False),
        ("Ada", "Ada Malone", False),
        ("Ada", "\u202eadA", False),
    ],
)
def test_names_are_compared_by_their_words(here: str, there: str, same: bool) -> None:
    user = User(email="a@contoso.example", name=here)
    new = linking.Identity(TID, NEW, name=there, address="a@contoso.example")
    assert ("name" not in linking.differences(user, None, new)) == same


# --- app roles -----------------------------------------------------------------------------------

MAPPING = "/admin/accounts/rolemapping/"
EVERY_RIGHT = tuple(f"accounts.{verb}_rolemapping" for verb in ("add", "change", "delete", "view"))


@pytest.fixture
def forgets() -> Iterator[None]:
    mapping.forget()
    yield
    mapping.forget()


def test_no_permission_makes_a_mapper_of_roles(forgets: None) -> None:
    row = RoleMapping.objects.create(value="Staff")
    climber = browser_of(person("climber@contoso.example", *EVERY_RIGHT))
    asked = {"value": "Mine", "is_staff": "on", "is_superuser": "on", "post": "yes"}
    for path in ("", "add/", f"{row.pk}/change/", f"{row.pk}/delete/"):
        assert climber.post(f"{MAPPING}{path}", asked).status_code == 403
        assert climber.get(f"{MAPPING}{path}").status_code == 403
    assert [one.value for one in RoleMapping.objects.all()] == ["Staff"]
    assert not RoleMapping.objects.filter(is_superuser=True).exists()


def test_what_a_role_decides_is_given_by_no_form(forgets: None) -> None:
    root, editors = superuser(), group("Editors")
    roles.save(Row("Editor", True, True, ("Editors",)))
    victim = person("victim@contoso.example", is_staff=False)
    browser = browser_of(root)
    save(browser, victim, is_superuser="on", groups=[editors.pk])
    chosen = {"action": "add_to_group", "_selected_action": [victim.pk], "confirmed": "yes"}
    browser.post("/admin/accounts/user/", {**chosen, "group": editors.pk})
    victim.refresh_from_db()
    assert (victim.is_staff, victim.is_superuser) == (False, False)
    assert not victim.groups.exists()


def test_who_has_what_is_not_for_whoever_reads_people_alone(forgets: None) -> None:
    reader = browser_of(person("reader@contoso.example", "accounts.view_user"))
    assert reader.get("/admin/accounts/rights/").status_code == 403
    assert reader.get("/admin/accounts/rights/export/").status_code == 403


# --- the last superuser -------------------------------------------------------------------------


def locks_superusers(asked: CaptureQueriesContext) -> bool:
    found = (sql.partition(" WHERE ")[2] for sql in (query["sql"] for query in asked))
    return any("is_superuser" in where and "FOR UPDATE" in where for where in found)


@pytest.mark.parametrize("way", ["form", "action", "delete", "delete action"])
def test_of_two_superusers_who_remove_each_other_one_stays(way: str, forgets: None) -> None:
    """The other's request is through just after this one has read who is asking."""
    one, two = superuser("one@contoso.example"), superuser("two@contoso.example")
    browser = browser_of(two)

    def demote(instance: User, **_: Any) -> None:
        if instance.pk == two.pk:
            User.objects.filter(pk=two.pk).update(is_superuser=False)

    name = "deactivate" if way == "action" else "delete_selected"
    chosen = {"action": name, "_selected_action": one.pk, "confirmed": "1", "post": "yes"}
    post_init.connect(demote, sender=User)
    try:
        with CaptureQueriesContext(connection) as asked:
            if way == "form":
                browser.post(f"{USERS}{one.pk}/change/", {"email": one.email, "is_active": "on"})
            elif way == "delete":
                browser.post(f"{USERS}{one.pk}/delete/", {"post": "yes"})
            else:
                browser.post(USERS, chosen)
    finally:
        post_init.disconnect(demote, sender=User)
    assert locks_superusers(asked)
    one.refresh_from_db()
    assert (one.is_active, one.is_superuser) == (True, True)
    assert not User.objects.get(pk=two.pk).is_superuser


@pytest.mark.parametrize("way", ["deactivate", "erase", "demote"])
def test_whatever_may_remove_a_superuser_locks_all_of_them_first(way: str, forgets: None) -> None:
    """Two of them at once would each see the other still there."""
    superuser("stays@contoso.example")
    leaves = superuser("leaves@contoso.example")
    root, nothing = Rights(staff=True, superuser=True), Rights()
    ways: dict[str, Callable[[], object]] = {
        "deactivate": lambda: people.deactivate(leaves, leave_a_superuser=True),
        "erase": lambda: erase_person(leaves, "asked for it"),
        "demote": lambda: mapping.apply(
            RightsChange(
                leaves,
                HeldRights("known", (), root, root),
                HeldRights("known", (), nothing, nothing),
            ),
            "",
        ),
    }
    with CaptureQueriesContext(connection) as asked:
        ways[way]()
    assert locks_superusers(asked)


def test_a_superuser_who_is_not_staff_is_the_last_one_too(forgets: None) -> None:
    alone = superuser(is_staff=False)
    assert users.is_last_superuser(alone)
    superuser("second@contoso.example", is_staff=False)
    assert users.is_last_superuser(alone)  # for neither may use admin
    superuser("third@contoso.example")
    assert not users.is_last_superuser(alone)
    superuser("off@contoso.example", is_active=False)
    assert users.is_last_superuser(User.objects.get(email="third@contoso.example"))


# --- another site's user admin -----------------------------------------------------------------


def test_what_a_sites_own_admin_forbids_none_of_our_pages_does(ada: User) -> None:
    class Careful(MicrosoftUserAdminMixin):
        @override
        def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
            return obj is None or obj.pk != ada.pk

    page, request = Careful(User, admin.site), RequestFactory().get("/")
    request.user = superuser()
    assert [action.name for action, _url in actions_for(page, request, ada)] == ["sign_out"]
    for name in ("deactivate", "reactivate", "unlink"):
        with pytest.raises(PermissionDenied):
            confirmation_page(page, request, ACTIONS[name], ada)
