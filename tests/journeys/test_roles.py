"""App roles, in Chromium: mapped in admin, and what they make of people who come and are here."""

from __future__ import annotations

import time
from contextlib import suppress
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from django.core.management import CommandError, call_command
from playwright.sync_api import Page, expect

from accounts.management.commands.demo import PEOPLE
from accounts.models import AuditEntry, RoleGrant, RolesSeen, SignIn, User
from accounts.operate import roles
from accounts.operate.roles import Row

if TYPE_CHECKING:
    from tests.fixtures import OpenPage, StartSite
    from tests.servers.site import Site

MAPPING = "/admin/accounts/rolemapping/"


@pytest.fixture
def people(transactional_db: None) -> None:
    for email, fields in PEOPLE.items():
        User.objects.create_user(email, **fields)


def at(open_page: OpenPage, site: Site, person: str, path: str = "/admin/") -> Page:
    """A browser of its own in which this person has signed in."""
    page = open_page()
    page.goto(f"{site.url}{path}")
    page.get_by_role("button", name="Sign in with Microsoft").click()
    page.locator(f'button[name="person"][value="{person}"]').click()
    expect(page.locator("#user-tools, [data-reason]").first).to_be_visible()
    return page


def doctor() -> str:
    """What it says; the tests' site has other faults, for which it ends with another code."""
    out = StringIO()
    with suppress(CommandError, SystemExit):
        call_command("doctor", stdout=out)
    return out.getvalue()


def is_superuser(key: str) -> bool:
    return User.objects.get(email=f"{key.replace('_', '-')}@contoso.example").is_superuser


def test_a_mapping_is_seen_before_it_is_saved_and_makes_and_unmakes_superusers(
    site: Site, people: None, open_page: OpenPage
) -> None:
    for number in range(5):  # whom the mapping would change: what they had last time
        one = User.objects.create_user(f"boss{number}@contoso.example")
        RoleGrant.objects.create(user=one, state="known", roles=["Superuser"])
    sam = at(open_page, site, "staff", f"{MAPPING}add/")
    open_one = at(open_page, site, "demoted", MAPPING)
    expect(open_one.locator("h1").last).to_contain_text("app role")

    sam.get_by_label("Role", exact=False).first.fill("Superuser")
    sam.get_by_label("Superuser status").check()
    sam.get_by_role("button", name="Save", exact=True).click()
    expect(sam.locator(".staff-confirm")).to_contain_text("boss4@contoso.example")
    assert roles.rows() == []
    expect(sam.locator("#id_value")).to_have_value("Superuser")
    expect(sam.get_by_label("Superuser status")).to_be_checked()
    sam.get_by_label("Save it all the same").check()
    sam.get_by_role("button", name="Save", exact=True).click()
    expect(sam.locator(".messagelist .success")).to_be_visible()
    assert roles.rows() == [Row("Superuser", True, True, ())]
    roles.save(Row("Staff", True, False, ()))
    sam.wait_for_timeout(1500)  # until the site has seen it

    petra = at(open_page, site, "promoted", MAPPING)
    expect(petra.locator("#result_list")).to_be_visible()
    assert is_superuser("promoted")

    at(open_page, site, "demoted")
    assert not is_superuser("demoted")
    open_one.goto(f"{site.url}{MAPPING}")  # the session of before, on its next request
    expect(open_one.locator("#result_list")).to_have_count(0)

    at(open_page, site, "overage")
    assert is_superuser("overage")
    olga = User.objects.get(email="overage@contoso.example")
    sam.goto(f"{site.url}/admin/accounts/user/{olga.pk}/change/")
    expect(sam.locator(".staff-facts")).to_contain_text("the token did not tell")
    petra_here = User.objects.get(email="promoted@contoso.example")
    sam.goto(f"{site.url}/admin/accounts/user/{petra_here.pk}/change/")
    expect(sam.locator(".staff-facts")).to_contain_text("superuser status: given by Superuser")
    expect(sam.get_by_label("Superuser status")).to_have_count(0)
    sam.goto(f"{site.url}/admin/accounts/rights/?q=promoted")
    expect(sam.locator("#content")).to_contain_text("App role")
    assert AuditEntry.objects.filter(action="role.mapped").count() == 2


def test_with_another_registration_nobody_changes_and_doctor_says_so(
    site: Site, people: None, open_page: OpenPage
) -> None:
    roles.save(Row("Superuser", True, True, ()))
    RolesSeen.objects.create(client_id="99999999-9999-4999-8999-999999999999")  # of before
    User.objects.filter(email="no-roles@contoso.example").update(is_superuser=True)
    time.sleep(1.5)  # until the site has seen it, and no longer goes by the mapping of before
    for _ in range(3):
        page = at(open_page, site, "no_roles")
        expect(page.locator("#user-tools")).to_be_visible()
    assert is_superuser("no_roles")
    detail = SignIn.objects.latest().detail
    assert "no token of this app registration has ever carried any" in detail
    said = doctor()
    assert "None of the last 3 sign-ins carried an app role that is mapped" in said


def test_with_roles_required_the_page_names_the_role_to_ask_for(
    start_site: StartSite, people: None, open_page: OpenPage
) -> None:
    roles.save(Row("Staff", True, False, ()))
    site = start_site(workers=1, ROLES_REQUIRED="true")
    refused = at(open_page, site, "no_roles")
    expect(refused.locator("[data-reason]")).to_have_attribute("data-reason", "role_missing")
    expect(refused.locator("[data-reason]")).to_contain_text("The role to ask for: Staff.")
    near = at(open_page, site, "near_miss")
    expect(near.locator("[data-reason]")).to_have_attribute("data-reason", "role_missing")
    let_in = at(open_page, site, "promoted")
    expect(let_in.locator("#user-tools")).to_be_visible()
