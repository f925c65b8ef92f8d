"""An admin's month with people, in one browser: added, found, rehearsed, moved, delegated.

What the pages look like is the tasks' to show (test_tasks); here those that no task has.
"""

import re
from collections.abc import Iterator

import pytest
from allauth.socialaccount.models import SocialAccount
from playwright.sync_api import Page, expect

from accounts.models import User
from tests.fixtures import OpenPage
from tests.journeys.admin_browser import enter, watched
from tests.journeys.looks import expect_well_made
from tests.journeys.tasks import an_app
from tests.servers.site import Site
from tests.support.admins import TID, person, sign_in, superuser

PASTED = (
    '<a href="mailto:jane@contoso.example">Jane Doe</a>; rick@contoso.example/kim@contoso.example\n'
    "sue at contoso dot example"
)
NEW = "00000000-0000-4000-8000-00000000000b"
EXPORT = (
    "Objekt-ID;Benutzerprinzipalname;E-Mail;Anzeigename;Konto aktiviert\n"
    f"{NEW};nora@contoso.example;nora@contoso.example;Nora Neu;Wahr\n"
    ";jane@contoso.example;j.doe@contoso.example;Jane Doe;Wahr\n"
    ";off@contoso.example;off@contoso.example;Olaf Off;Falsch\n"
)


@pytest.fixture
def admin(site: Site, page: Page) -> Iterator[Page]:
    page.set_viewport_size({"width": 1280, "height": 900})
    enter(page, site, superuser())
    with watched(page):
        page.goto(f"{site.url}/admin/")
        yield page


def test_a_month_with_people(admin: Page, site: Site, open_page: OpenPage) -> None:
    an_app()
    she_adds_what_was_pasted(admin)
    she_finds_them_by_a_part_of_their_name(admin)
    she_sees_how_they_stand(admin)
    she_rehearses_and_adds_who_is_missing(admin)
    she_moves_one_to_a_new_address(admin)
    colleague = open_page()
    enter(colleague, site, person("desk@contoso.example"))
    she_lets_a_colleague_help(admin, colleague, site)


def she_adds_what_was_pasted(page: Page) -> None:
    page.locator("#content").get_by_role("link", name="Users", exact=True).first.click()
    page.get_by_role("link", name="Add several").click()
    page.get_by_label("People:").fill(PASTED)
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("nobody has been added yet").first).to_be_visible()
    page.get_by_role("button", name="Add 3 people").click()
    expect(page.get_by_role("row", name=re.compile("jane@"))).to_contain_text("Jane Doe")
    expect(page.get_by_role("row", name=re.compile("sue at"))).to_contain_text("spelled out")
    expect(page.get_by_label("People:")).to_have_value("sue at contoso dot example")
    expect_well_made(page, "added")


def she_finds_them_by_a_part_of_their_name(page: Page) -> None:
    page.locator(".breadcrumbs").get_by_role("link", name="Users").click()
    page.get_by_role("textbox", name="Search").fill("ne do")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#result_list tbody tr")).to_have_count(1)
    expect(page.locator("#result_list")).to_contain_text("jane@contoso.example")


def she_sees_how_they_stand(page: Page) -> None:
    sign_in(reason="unknown_user", email="rick@contoso.example")  # before Rick was added
    page.get_by_role("textbox", name="Search").fill("")
    page.get_by_role("button", name="Search").click()
    page.locator("#changelist-filter").get_by_role("link", name="Not yet signed in").click()
    expect(page.get_by_role("row", name=re.compile("kim@"))).to_contain_text("Not yet signed in")
    expect(page.locator("#result_list")).not_to_contain_text("root@")
    expect_well_made(page, "not yet signed in")


def she_rehearses_and_adds_who_is_missing(page: Page) -> None:
    page.get_by_role("link", name="Go-live rehearsal").first.click()
    file = {"name": "personen.csv", "mimeType": "text/csv", "buffer": EXPORT.encode("utf-16")}
    page.get_by_label("People exported from Entra").set_input_files(file)  # type: ignore[arg-type]
    page.get_by_role("button", name="Rehearse").click()
    expect(page.get_by_text("userType: who is a guest")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("j.doe@"))).to_contain_text(
        "Microsoft sends the mail"
    )
    page.get_by_role("button", name="Add those who have no account here").click()
    page.get_by_role("button", name=re.compile("Add [0-9] p")).click()
    expect(page.get_by_role("row", name=re.compile("nora@"))).to_contain_text("object ID linked")
    assert SocialAccount.objects.get(user__email="nora@contoso.example").uid == f"{TID}:{NEW}"


def she_moves_one_to_a_new_address(page: Page) -> None:
    page.get_by_role("link", name="People who moved").first.click()
    page.get_by_label("Who becomes who:").fill(
        "kim@contoso.example,kim@fabrikam.example\nx@y.example,z"
    )
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("1 line cannot be done")).to_be_visible()
    expect_well_made(page, "moved, with a line that cannot be done")
    page.get_by_label("Who becomes who:").fill("kim@contoso.example,kim@fabrikam.example")
    page.get_by_label("Reason:").fill("renamed domain")
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name="Write this for 1 line").click()
    expect(page.locator(".messagelist")).to_contain_text("New addresses: 1.")
    assert User.objects.filter(email="kim@fabrikam.example").exists()


def she_lets_a_colleague_help(page: Page, colleague: Page, site: Site) -> None:
    colleague.goto(f"{site.url}/admin/")
    expect(colleague.locator("#content")).not_to_contain_text("Sign-ins")
    page.get_by_role("link", name="Groups", exact=True).first.click()
    page.get_by_role("button", name="Add the Help desk group").click()
    page.get_by_role("navigation").get_by_role("link", name="Users", exact=True).first.click()
    page.get_by_role("row", name=re.compile("desk@")).get_by_role("checkbox").check()
    page.get_by_label("Action:").select_option("add_to_group")
    page.get_by_role("button", name="Go").click()
    page.get_by_label("Group:").select_option(label="Help desk")
    page.get_by_role("button", name="Add to group").click()
    colleague.reload()
    colleague.get_by_role("link", name="Users", exact=True).first.click()
    colleague.get_by_role("link", name="rick@contoso.example").click()
    expect(colleague.get_by_role("link", name="Sign out everywhere")).to_be_visible()
    expect(colleague.get_by_role("button", name="Save", exact=True)).to_have_count(0)
    expect(colleague.get_by_role("link", name="Deactivate")).to_have_count(0)
    expect_well_made(colleague, "as the help desk sees a person")
