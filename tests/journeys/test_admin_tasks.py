"""What an admin does in a browser: each a story, from the front page or a record on."""

import re
from collections.abc import Iterator

import pytest
from allauth.socialaccount.models import SocialAccount, SocialApp
from playwright.sync_api import Page, expect

from accounts.models import SignIn, User
from accounts.protection import secretbox
from tests.fixtures import OpenPage
from tests.journeys.admin_browser import enter, watched
from tests.servers.site import Site
from tests.support.admins import TID, browser_of, person, sign_in, superuser

CLIENT_ID = "33333333-3333-4333-8333-333333333333"
SECRET = "emulator-secret-not-for-production"
BUTTON = "Sign in with Microsoft"


@pytest.fixture
def admin(site: Site, page: Page) -> Iterator[Page]:
    """A superuser on the front page."""
    enter(page, site, superuser())
    page.goto(f"{site.url}/admin/")
    with watched(page):
        yield page


@pytest.fixture
def colleague(open_page: OpenPage) -> Page:
    """Another person's browser."""
    return open_page()


def open_from_front(page: Page, name: str) -> None:
    page.locator("#content").get_by_role("link", name=name, exact=True).first.click()


def try_to_sign_in(page: Page, site: Site, who: str) -> None:
    page.goto(f"{site.url}/admin/")
    page.get_by_role("button", name=BUTTON).click()
    page.locator(f'button[name="person"][value="{who}"]').click()


def expect_in(page: Page) -> None:
    expect(page.locator("#user-tools")).to_be_visible()


def expect_out(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/admin/")
    expect(page.get_by_role("button", name=BUTTON)).to_be_visible()


def test_someone_unknown_is_added_from_their_refusal_and_gets_in(
    admin: Page, site: Site, colleague: Page
) -> None:
    try_to_sign_in(colleague, site, "nobody")
    reference = colleague.locator(".reference code").first.inner_text()
    open_from_front(admin, "Sign-ins")
    admin.get_by_role("textbox", name="Search").fill(reference)
    admin.get_by_role("button", name="Search").click()
    admin.get_by_role("link", name="Add this person").click()
    admin.get_by_role("button", name="Save", exact=True).click()
    expect(admin.locator(".messagelist")).to_contain_text("was added successfully")
    try_to_sign_in(colleague, site, "nobody")
    expect_in(colleague)


def test_someone_recreated_at_microsoft_is_let_in_after_a_comparison(
    admin: Page, site: Site, colleague: Page
) -> None:
    staff = person("staff@contoso.example")
    SocialAccount.objects.create(user=staff, provider="microsoft", uid=f"{TID}:an-older-object")
    try_to_sign_in(colleague, site, "staff")
    open_from_front(admin, "Sign-ins")
    admin.get_by_role("link", name="Compare and link this identity").click()
    expect(admin.locator("#content-main table")).to_contain_text("an-older-object")
    admin.get_by_label("Reason").fill("re-created in Entra")
    admin.get_by_role("button", name="Link the refused identity").click()
    expect(admin.locator(".messagelist")).to_contain_text("is linked to the identity")
    try_to_sign_in(colleague, site, "staff")
    expect_in(colleague)
    admin.goto(f"{site.url}/admin/accounts/user/{staff.pk}/history/")
    expect(admin.locator("#change-history")).to_contain_text("re-created in Entra")


def test_several_people_are_added_by_pasting(admin: Page) -> None:
    open_from_front(admin, "Users")
    admin.get_by_role("link", name="Add several").click()
    admin.get_by_label("People").fill("Anna <anna@contoso.example>\nbert@contoso.example")
    admin.get_by_role("button", name="Preview").click()
    admin.get_by_role("button", name="Add 2 people").click()
    expect(admin.locator("#content-main table")).to_contain_text("bert@contoso.example")
    assert User.objects.get(email="anna@contoso.example").name == "Anna"


def test_a_person_is_deactivated_in_the_list_and_is_out(
    admin: Page, site: Site, colleague: Page
) -> None:
    cole = person("cole@contoso.example")
    enter(colleague, site, cole)
    open_from_front(admin, "Users")
    admin.get_by_role("row", name=re.compile("cole@")).get_by_role("checkbox").check()
    admin.get_by_label("Action:").select_option("deactivate")
    admin.get_by_role("button", name="Go").click()
    admin.get_by_role("button", name="Deactivate").click()
    expect(admin.get_by_role("row", name=re.compile("cole@"))).to_contain_text("Switched off")
    expect_out(colleague, site)


def test_a_person_is_reactivated_from_their_refusal(
    admin: Page, site: Site, colleague: Page
) -> None:
    person("inactive@contoso.example", is_active=False)
    try_to_sign_in(colleague, site, "inactive")
    open_from_front(admin, "Sign-ins")
    admin.get_by_role("link", name="Reactivate").click()
    admin.get_by_role("button", name="Reactivate").click()
    try_to_sign_in(colleague, site, "inactive")
    expect_in(colleague)


def test_one_session_is_ended_and_then_all_of_the_person(
    admin: Page, site: Site, colleague: Page
) -> None:
    cole = person("cole@contoso.example")
    enter(colleague, site, cole)
    open_from_front(admin, "Who is signed in")
    row = admin.get_by_role("row", name=re.compile("cole@"))
    row.get_by_role("button", name="This session").click()
    expect(admin.locator(".messagelist")).to_contain_text("Ended 1 session of cole@")
    expect_out(colleague, site)
    enter(colleague, site, cole)
    browser_of(cole)
    admin.reload()
    row.first.get_by_role("button", name="All of this person").click()
    expect(admin.locator(".messagelist")).to_contain_text("Ended 2 sessions of cole@")
    expect_out(colleague, site)


def test_a_persons_page_shows_and_ends_their_sessions(
    admin: Page, site: Site, colleague: Page
) -> None:
    cole = person("cole@contoso.example")
    enter(colleague, site, cole)
    sign_in(user=cole, reference="QRST-2222")
    admin.goto(f"{site.url}/admin/accounts/user/{cole.pk}/change/")
    expect(admin.get_by_role("link", name="QRST-2222")).to_be_visible()
    admin.get_by_role("link", name="Sign out everywhere").click()
    admin.get_by_role("button", name="Sign out everywhere").click()
    expect_out(colleague, site)


def test_the_app_is_set_up_tested_and_signs_people_in(
    admin: Page, site: Site, colleague: Page
) -> None:
    person("staff@contoso.example")
    open_from_front(admin, "Microsoft apps")
    admin.get_by_role("link", name="Add Microsoft app").click()
    admin.get_by_label("Client id:", exact=True).fill(CLIENT_ID)
    admin.get_by_label("Tenant:", exact=True).fill(TID)
    admin.get_by_label("Secret:", exact=True).fill(SECRET)
    admin.get_by_role("button", name="Save", exact=True).click()
    expect(admin.locator(".staff-in-force")).to_contain_text("The app in admin")
    assert SECRET not in admin.content()
    admin.get_by_role("button", name="Test connection").click()
    expect(admin.get_by_text("Microsoft accepts the client secret")).to_be_visible()
    try_to_sign_in(colleague, site, "staff")
    expect_in(colleague)


def test_a_wrong_secret_is_found_by_the_test_and_mended(admin: Page, site: Site) -> None:
    wrong = secretbox.encrypt("quite-wrong-but-long-enough")
    app = SocialApp.objects.create(
        provider="microsoft", name="Entra", client_id=CLIENT_ID, secret=wrong
    )
    admin.goto(f"{site.url}/admin/socialaccount/socialapp/{app.pk}/change/")
    admin.get_by_role("button", name="Test connection").click()
    expect(admin.locator(".staff-finding-error").first).to_contain_text("What to do")
    admin.goto(f"{site.url}/admin/socialaccount/socialapp/{app.pk}/change/")
    admin.get_by_label("Secret:", exact=True).fill(SECRET)
    admin.get_by_role("button", name="Save", exact=True).click()
    admin.get_by_role("button", name="Test connection").click()
    expect(admin.locator(".staff-finding-error")).to_have_count(0)


def test_the_record_is_narrowed_and_taken_away(admin: Page) -> None:
    sign_in(reference="QRST-2222", reason="unknown_user", email="anna@contoso.example")
    sign_in(reference="WXYZ-9876")
    open_from_front(admin, "Sign-ins")
    admin.get_by_role("link", name="Refused", exact=True).click()
    with admin.expect_download() as download:
        admin.get_by_role("link", name="Download as CSV").click()
    text = download.value.path().read_text()
    assert "QRST-2222" in text
    assert "WXYZ-9876" not in text


def test_a_rehearsal_tells_who_would_be_refused(admin: Page) -> None:
    open_from_front(admin, "Go-live rehearsal")
    export = b"userPrincipalName,mail\nnew@contoso.example,new@contoso.example\n"
    admin.get_by_label("People exported from Entra").set_input_files(
        {"name": "people.csv", "mimeType": "text/csv", "buffer": export}
    )
    admin.get_by_role("button", name="Rehearse").click()
    expect(admin.get_by_role("row", name=re.compile("new@"))).to_contain_text("No account here")
    assert not SignIn.objects.exists()


def test_dates_are_drilled_down_to_a_day(admin: Page) -> None:
    row = sign_in(reference="QRST-2222")
    open_from_front(admin, "Sign-ins")
    day = admin.locator(".toplinks")
    day.get_by_role("link", name=f"{row.at:%Y}", exact=True).click()
    day.get_by_role("link", name=f"{row.at:%B} {row.at:%Y}").click()
    day.get_by_role("link", name=f"{row.at:%B} {row.at.day}", exact=True).click()
    expect(admin.locator("#result_list")).to_contain_text("QRST-2222")
