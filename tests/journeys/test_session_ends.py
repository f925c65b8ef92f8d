"""A session ends while someone edits, in three tabs: what was typed is there when they are back."""

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from accounts.models import User
from accounts.sessions import service as sessions
from tests.fixtures import StartSite
from tests.journeys.admin_browser import watched
from tests.servers.site import Site
from tests.support.admins import superuser

TYPED = "Typed and not saved yet"


@pytest.fixture
def site(start_site: StartSite) -> Site:
    return start_site(workers=1)


@pytest.fixture
def root(site: Site) -> User:
    return superuser("staff@contoso.example", name="Sam")


def sign_in(page: Page) -> None:
    page.get_by_role("button", name="Sign in with Microsoft").click()
    page.locator('button[name="person"][value="staff"]').click()


def open_form(context: BrowserContext, site: Site, person: User) -> Page:
    page = context.new_page()
    page.goto(f"{site.url}/admin/accounts/user/{person.pk}/change/")
    page.get_by_label("Name").fill(TYPED)
    page.wait_for_timeout(600)  # it is kept a moment after the last key
    return page


def test_typed_text_survives_a_session_that_ends(site: Site, page: Page, root: User) -> None:
    people = [User.objects.create_user(f"p{number}@contoso.example") for number in range(3)]
    page.goto(f"{site.url}/admin/")
    sign_in(page)
    expect(page.locator("#user-tools")).to_be_visible()
    tabs = [open_form(page.context, site, person) for person in people]
    sessions.end_all_of(root)

    with watched(tabs[0]):  # saves, is asked to sign in, and is back at the form
        tabs[0].get_by_role("button", name="Save", exact=True).click()
        sign_in(tabs[0])
        expect(tabs[0].locator("[data-form-is-back]")).to_be_visible()
        expect(tabs[0].get_by_label("Name")).to_have_value(TYPED)
        tabs[0].get_by_role("button", name="Save", exact=True).click()
        expect(tabs[0].locator(".messagelist .success")).to_be_visible()
    people[0].refresh_from_db()
    assert people[0].name == TYPED

    tabs[1].reload()  # signed in by now through the first tab: nothing asked, nothing lost
    tabs[1].get_by_label("Name").fill(TYPED)
    tabs[1].get_by_role("button", name="Save", exact=True).click()
    expect(tabs[1].locator(".messagelist .success")).to_be_visible()

    tabs[2].get_by_role("button", name="Save", exact=True).click()  # its form is from before
    expect(tabs[2].locator('[data-reason="form_refused"], .messagelist .success')).to_be_visible()
    tabs[2].go_back()
    expect(tabs[2].get_by_label("Name")).to_have_value(TYPED)


def test_nothing_comes_back_after_signing_out(site: Site, page: Page, root: User) -> None:
    person = User.objects.create_user("p@contoso.example")
    page.goto(f"{site.url}/admin/")
    sign_in(page)
    form = open_form(page.context, site, person)
    form.get_by_role("button", name="Sign out").click()
    form.goto(f"{site.url}/admin/accounts/user/{person.pk}/change/")
    sign_in(form)
    expect(form.get_by_label("Name")).to_have_value("")
    expect(form.locator("[data-form-is-back]")).to_have_count(0)
