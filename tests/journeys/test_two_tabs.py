"""Two tabs of one browser: a sign-in in one changes the token of what is open in the other."""

import pytest
from playwright.sync_api import Page, expect

from accounts.models import SignIn, User
from tests.journeys.looks import expect_well_made
from tests.servers.site import Site

BUTTON = "Sign in with Microsoft"


@pytest.fixture
def people(transactional_db: None) -> None:
    User.objects.create_user("staff@contoso.example", is_superuser=True)
    User.objects.create_user("editor@contoso.example")


def sign_in(page: Page) -> None:
    page.get_by_role("button", name=BUTTON).click()
    page.locator('button[name="person"][value="staff"]').click()
    expect(page.locator("#user-tools")).to_be_visible()


def test_the_button_of_a_second_login_tab_goes_on(site: Site, people: None, page: Page) -> None:
    second = page.context.new_page()
    page.goto(f"{site.url}/admin/")
    second.goto(f"{site.url}/admin/accounts/signin/?outcome__exact=refused")
    sign_in(page)
    second.get_by_role("button", name=BUTTON).click()
    expect(second).to_have_url(f"{site.url}/admin/accounts/signin/?outcome__exact=refused")
    assert not SignIn.objects.filter(outcome="refused").exists()


def test_a_form_opened_before_signing_in_again_loses_nothing(
    site: Site, people: None, page: Page
) -> None:
    editor = User.objects.get(email="editor@contoso.example")
    page.goto(f"{site.url}/admin/accounts/user/{editor.pk}/change/")
    sign_in(page)
    page.locator('input[name="name"]').fill("An hour of work")
    second = page.context.new_page()
    second.goto(f"{site.url}/accounts/microsoft/login/")
    sign_in(second)
    page.locator('input[name="_save"]').click()
    expect(page.locator("[data-reason]")).to_have_attribute("data-reason", "form_refused")
    expect(page.get_by_text("You have signed in again")).to_be_visible()
    expect_well_made(page, "form refused")
    page.get_by_role("button", name="Send it again").click()
    expect(page.locator(".messagelist .success")).to_be_visible()
    editor.refresh_from_db()
    assert editor.name == "An hour of work"
