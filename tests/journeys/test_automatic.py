"""SIGN_IN_AUTOMATICALLY in Chromium: no click on the way in, one after signing out."""

import re

from playwright.sync_api import Page, expect

from accounts.models import User
from tests.fixtures import StartSite

BUTTON = "Sign in with Microsoft"


def test_people_are_sent_on_by_themselves_until_they_sign_out(
    start_site: StartSite, page: Page
) -> None:
    User.objects.create_user("staff@contoso.example", is_superuser=True)
    site = start_site(workers=1, SIGN_IN_AUTOMATICALLY="true")
    page.goto(f"{site.url}/admin/accounts/user/")
    expect(page).to_have_url(re.compile("authorize"))
    page.locator('button[name="person"][value="staff"]').click()
    expect(page).to_have_url(f"{site.url}/admin/accounts/user/")
    page.locator("#logout-form button").click()
    expect(page.get_by_text("You are signed out here.")).to_be_visible()
    page.goto(f"{site.url}/admin/")
    expect(page.get_by_role("button", name=BUTTON)).to_be_visible()
    page.wait_for_timeout(300)
    expect(page).to_have_url(re.compile("/admin/login/"))
    page.get_by_role("button", name=BUTTON).click()
    expect(page).to_have_url(re.compile("authorize"))
