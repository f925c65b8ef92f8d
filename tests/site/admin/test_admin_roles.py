"""App roles in admin: the mapping, what it makes read-only, and who has what, and why."""

from __future__ import annotations

import csv
import time
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client, override_settings
from django.urls import reverse

from accounts import audit, registration
from accounts.models import AuditEntry, RoleGrant, RoleMapping, RolesSeen, User
from accounts.operate import rights_held, roles
from accounts.operate.roles import Row
from accounts.signin import mapping
from tests.support.admins import browser_of, group, let_in, person, superuser
from tests.support.operators import run

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.django_db(transaction=True)

ADD = "/admin/accounts/rolemapping/add/"


@pytest.fixture(autouse=True)
def _fresh_mapping() -> Iterator[None]:
    mapping.forget()
    yield
    mapping.forget()


@pytest.fixture
def root(transactional_db: None) -> User:
    return superuser()


@pytest.fixture
def browser(root: User) -> Client:
    return browser_of(root)


@pytest.fixture
def editors(transactional_db: None) -> Group:
    return group("Editors", "accounts.view_user")


def people_with(role: str, count: int, **given: Any) -> list[User]:
    found = [person(f"p{number}@contoso.example") for number in range(count)]
    for one in found:
        RoleGrant.objects.create(user=one, state="known", roles=[role], **given)
    return found


def change(browser: Client, user: User, **fields: Any) -> Any:
    page = reverse("admin:accounts_user_change", args=[user.pk])
    answer = browser.post(page, {"email": user.email, "is_active": "on", **fields})
    user.refresh_from_db()
    return answer


def test_a_role_is_mapped_changed_and_taken_out_and_the_audit_says_so(
    browser: Client, editors: Group
) -> None:
    asked = {"value": "Staff", "is_staff": "on", "groups": [editors.pk]}
    assert browser.post(ADD, asked).status_code == 302
    assert roles.rows() == [Row("Staff", True, False, ("Editors",))]
    found = RoleMapping.objects.get()
    page = reverse("admin:accounts_rolemapping_change", args=[found.pk])
    assert browser.post(page, {"is_superuser": "on", "value": "Other"}).status_code == 302
    assert roles.rows() == [Row("Staff", False, True, ())]
    away = reverse("admin:accounts_rolemapping_delete", args=[found.pk])
    assert browser.post(away, {"post": "yes"}).status_code == 302
    assert roles.rows() == []
    told = AuditEntry.objects.filter(action__startswith="role.").order_by("at")
    assert [entry.action for entry in told] == ["role.mapped", "role.mapped", "role.unmapped"]


def test_what_changes_many_people_is_shown_first_and_what_was_typed_is_there(
    browser: Client, editors: Group
) -> None:
    people_with("Staff", 5)
    asked = {"value": "Staff", "is_staff": "on", "is_superuser": "on", "groups": [editors.pk]}
    shown = browser.post(ADD, asked)
    text = shown.content.decode()
    assert shown.status_code == 200
    assert not roles.rows()
    assert "p4@contoso.example" in text
    assert "staff, superuser, Editors" in text
    form = shown.context["adminform"].form
    assert [form[name].value() for name in ("value", "is_staff", "is_superuser")] == [
        "Staff", True, True,
    ]  # fmt: skip
    assert form["groups"].value() == [str(editors.pk)]

    stale = browser.post(ADD, {**asked, "confirmed": "another"})
    assert not roles.rows()
    people_with_more = RoleGrant.objects.filter(user__email="p4@contoso.example")
    people_with_more.update(roles=["Other"])  # meanwhile it would change four, not five
    again = browser.post(ADD, {**asked, "confirmed": stale.context["adminform"].form.digest})
    assert not roles.rows()
    done = browser.post(ADD, {**asked, "confirmed": again.context["adminform"].form.digest})
    assert done.status_code == 302
    assert roles.rows() == [Row("Staff", True, True, ("Editors",))]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("Admin staff", "A role&#x27;s Value, not its name."),
        ("STAFF", "differs in upper and lower case only"),
        ("Staff\u200b", "ZERO WIDTH SPACE"),
        ("\u0405taff", "CYRILLIC CAPITAL LETTER DZE"),
        ("Staff", "already exists"),
    ],
)
def test_what_cannot_be_mapped_is_told_beside_what_was_typed(
    value: str, said: str, browser: Client
) -> None:
    roles.save(Row("Staff", True, False, ()))
    text = browser.post(ADD, {"value": value, "is_staff": "on"}).content.decode()
    assert said in text
    assert f'value="{value}"' in text
    assert RoleMapping.objects.count() == 1


def test_the_object_id_of_a_group_is_mapped_whatever_its_case(browser: Client) -> None:
    guid = "0E0E0E0E-0000-4000-8000-0000000000AA"
    assert browser.post(ADD, {"value": guid, "is_staff": "on"}).status_code == 302
    assert roles.rows() == [Row(guid.lower(), True, False, ())]
    twice = browser.post(ADD, {"value": guid, "is_staff": "on"})
    assert "already exists" in twice.content.decode()


def test_who_has_not_come_since_is_told_of_and_counted(
    browser: Client,
) -> None:
    """Nobody knows their roles: once tokens carry any, they lose what no role gives them."""
    for number in range(4):
        person(f"p{number}@contoso.example")
    asked = {"value": "Staff", "is_staff": "on"}
    saved = browser.post(ADD, asked, follow=True).content.decode()
    assert "5 people hold what is mapped" in saved  # and the root
    assert "Staff" in run("roles", "set", "Staff")
    RolesSeen.objects.create(client_id=registration.in_force().client_id)
    shown = browser.post(ADD, asked | {"value": "Other"}).content.decode()
    assert "p3@contoso.example" in shown
    assert "not known yet" in shown
    assert [row.value for row in roles.rows()] == ["Staff"]


@override_settings(STEP_UP="login")
def test_with_step_up_the_mapping_asks_for_a_fresh_sign_in_first(root: User) -> None:
    roles.save(Row("Staff", True, False, ()))
    key = RoleMapping.objects.get().pk
    browser = browser_of(root)
    let_in(browser, root, microsoft={"identity": "t:o", "proved_at": time.time() - 901})
    pages = (ADD, f"/admin/accounts/rolemapping/{key}/change/",
             f"/admin/accounts/rolemapping/{key}/delete/")  # fmt: skip
    asked = {"value": "Boss", "is_superuser": "on", "post": "yes"}
    for page in pages:
        answers = [browser.get(page), browser.post(page, asked)]
        assert [answer.status_code for answer in answers] == [403, 403], page
        assert "step_up" in answers[0].content.decode()
    assert roles.rows() == [Row("Staff", True, False, ())]
    let_in(browser, root, microsoft={"identity": "t:o", "proved_at": time.time()})
    assert browser.get(ADD).status_code == 200
    assert browser.post(ADD, asked).status_code == 302
    assert browser.post(pages[2], {"post": "yes"}).status_code == 302
    assert roles.rows() == [Row("Boss", False, True, ())]


def test_taking_a_role_out_names_whom_it_changes(browser: Client) -> None:
    roles.save(Row("Staff", True, True, ()))
    changed = people_with("Staff", 1, staff=True, superuser=True)
    User.objects.filter(pk=changed[0].pk).update(is_superuser=True)
    page = reverse("admin:accounts_rolemapping_delete", args=[RoleMapping.objects.get().pk])
    assert "p0@contoso.example" in browser.get(page).content.decode()


def test_what_roles_decide_is_not_changed_on_a_persons_page(
    browser: Client, editors: Group
) -> None:
    mine = group("Mine")
    roles.save(Row("Editor", True, False, ("Editors",)))
    roles.save(Row("Boss", False, True, ()))
    ada = person("ada@contoso.example")
    ada.groups.add(editors)
    grant = {"state": "known", "roles": ["Editor"], "staff": True, "groups": [editors.pk]}
    RoleGrant.objects.create(user=ada, **grant)

    page = browser.get(reverse("admin:accounts_user_change", args=[ada.pk]))
    text = page.content.decode()
    fields = page.context["adminform"].form.fields
    assert not {"is_staff", "is_superuser"} & set(fields)
    assert list(fields["groups"].queryset) == [mine]
    assert "given by Editor" in text
    assert "not given; Boss would" in text

    assert change(browser, ada, is_superuser="on", groups=[mine.pk]).status_code == 302
    assert not ada.is_superuser
    assert ada.is_staff
    assert set(ada.groups.all()) == {mine, editors}
    change(browser, ada, groups=[editors.pk])  # forged: it is none of the choices
    assert set(ada.groups.all()) == {mine, editors}
    change(browser, ada)
    assert set(ada.groups.all()) == {editors}


def test_nobody_is_put_into_a_managed_group_from_the_list(browser: Client, editors: Group) -> None:
    roles.save(Row("Editor", True, False, ("Editors",)))
    ada = person("ada@contoso.example")
    asked = {"action": "add_to_group", "_selected_action": [ada.pk], "group": editors.pk}
    browser.post("/admin/accounts/user/", {**asked, "confirmed": "yes"})
    assert not ada.groups.exists()


def test_a_managed_group_says_so_and_is_not_deleted(browser: Client, editors: Group) -> None:
    roles.save(Row("Editor", True, False, ("Editors",)))
    page = reverse("admin:auth_group_change", args=[editors.pk])
    assert "by app role: Editor" in browser.get(page).content.decode()
    away = reverse("admin:auth_group_delete", args=[editors.pk])
    assert browser.post(away, {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [editors.pk], "post": "yes"}
    browser.post("/admin/auth/group/", chosen)
    assert Group.objects.filter(pk=editors.pk).exists()


def test_who_has_what_names_role_hand_and_command(root: User, browser: Client) -> None:
    editors = group("Editors")
    roles.save(Row("Editor", True, False, ("Editors",)))
    ada, ben = person("ada@contoso.example"), person("ben@contoso.example")
    with audit.context(note=f"{mapping.NOTE}Editor"):
        ada.groups.add(editors)
    grant = {"state": "known", "roles": ["Editor"], "staff": True, "groups": [editors.pk]}
    RoleGrant.objects.create(user=ada, **grant)
    change(browser, ben, user_permissions=[], groups=[group("Mine").pk])
    with audit.context(silent=True):
        ben.groups.add(group("Old"))
    found = {
        (right.person, right.right): (right.by, right.why)
        for right in rights_held.rights_of(rights_held.people())
    }
    assert found["ada@contoso.example", "staff"] == ("role", "Editor")
    assert found["ada@contoso.example", "Editors"] == ("role", "Editor")
    assert found["ben@contoso.example", "Mine"] == ("hand", root.email)
    assert found["ben@contoso.example", "Old"] == ("unknown", "")
    assert found[root.email, "superuser"][0] == "command"

    browser.get("/admin/")  # shows what was saved just now
    text = browser.get("/admin/accounts/rights/?q=ada").content.decode()
    assert "App role" in text
    assert "ben@contoso.example" not in text


def test_who_has_what_is_exported_and_the_audit_is_told(root: User, browser: Client) -> None:
    User.objects.create_user("=cmd@contoso.example")
    answer = browser.get("/admin/accounts/rights/export/?q=%3D")
    rows = list(csv.DictReader(answer.getvalue().decode().splitlines()))
    assert [row["person"] for row in rows] == ["'=cmd@contoso.example"]
    assert AuditEntry.objects.filter(action="export.rights").count() == 1


def test_who_has_what_costs_the_same_for_any_number_of_people(
    browser: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(60):
        person(f"p{number:02}@contoso.example", "accounts.view_user")
    with django_assert_max_num_queries(14):
        assert browser.get("/admin/accounts/rights/").status_code == 200
