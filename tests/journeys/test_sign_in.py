"""What people meet, in Chromium: each a story from the login page on."""

import re

import pytest
from playwright.sync_api import Page, expect

from accounts.management.commands.demo import PEOPLE
from accounts.models import SignIn, User
from tests.servers.site import Site

BUTTON = "Sign in with Microsoft"


@pytest.fixture
def people(transactional_db: None) -> None:
    for email, fields in PEOPLE.items():
        User.objects.create_user(email, **fields)


@pytest.fixture
def at_microsoft(site: Site, people: None, page: Page) -> Page:
    """The login page's button has been pressed."""
    page.goto(f"{site.url}/admin/")
    page.get_by_role("button", name=BUTTON).click()
    expect(page).to_have_url(re.compile("authorize"))
    return page


def be(page: Page, person: str) -> None:
    page.locator(f'button[name="person"][value="{person}"]').click()


def meet(page: Page, error: str) -> None:
    page.locator(f'button[name="error"][value="{error}"]').click()


def expect_refused(page: Page, reason: str) -> None:
    expect(page.locator("[data-reason]")).to_have_attribute("data-reason", reason)
    reference = page.locator(".reference code").first.inner_text()
    assert SignIn.objects.get(reference=reference).reason == reason


def test_a_staff_member_gets_in(at_microsoft: Page, site: Site) -> None:
    be(at_microsoft, "staff")
    expect(at_microsoft).to_have_url(f"{site.url}/admin/")
    expect(at_microsoft.locator("#user-tools")).to_contain_text("Sam Staff")


def test_an_email_in_other_case_gets_in(at_microsoft: Page, site: Site) -> None:
    be(at_microsoft, "other_case")
    expect(at_microsoft).to_have_url(f"{site.url}/admin/")


@pytest.mark.parametrize(("person", "reason"), [
    ("nobody", "unknown_user"),
    ("notstaff", "user_not_staff"),
    ("inactive", "user_inactive"),
    ("guest", "guest_not_allowed"),
    ("other_tenant", "wrong_tenant"),
    ("no_email", "no_email"),
])  # fmt: skip
def test_someone_who_may_not_in_is_told_why(at_microsoft: Page, person: str, reason: str) -> None:
    be(at_microsoft, person)
    expect_refused(at_microsoft, reason)


def test_a_refusal_survives_a_reload(at_microsoft: Page) -> None:
    be(at_microsoft, "nobody")
    expect_refused(at_microsoft, "unknown_user")
    expect(at_microsoft).not_to_have_url(re.compile("code="))
    at_microsoft.reload()
    expect_refused(at_microsoft, "unknown_user")
    expect(at_microsoft.get_by_text("nobody@contoso.example")).to_be_visible()


def test_someone_who_cancels_may_try_again_as_another(at_microsoft: Page, site: Site) -> None:
    meet(at_microsoft, "declined")
    expect_refused(at_microsoft, "cancelled")
    at_microsoft.get_by_role("button", name="Try again").click()
    expect(at_microsoft).to_have_url(re.compile("prompt=select_account"))
    be(at_microsoft, "staff")
    expect(at_microsoft).to_have_url(f"{site.url}/admin/")


def test_next_is_kept_from_the_first_page_to_the_last(site: Site, people: None, page: Page) -> None:
    page.goto(f"{site.url}/admin/accounts/user/?is_staff__exact=1")
    page.get_by_role("button", name=BUTTON).click()
    meet(page, "declined")
    page.get_by_role("button", name="Try again").click()
    be(page, "staff")
    expect(page).to_have_url(f"{site.url}/admin/accounts/user/?is_staff__exact=1")


@pytest.mark.parametrize("elsewhere", [
    "https://evil.example/", "//evil.example/admin/", "/\\evil.example/admin/", "/accounts/",
    "/admin/../accounts/", "/admin/logout/", "javascript:alert(1)",
])  # fmt: skip
def test_a_bad_next_leads_to_admin(site: Site, people: None, page: Page, elsewhere: str) -> None:
    page.goto(f"{site.url}/admin/login/?next={elsewhere}")
    page.get_by_role("button", name=BUTTON).click()
    be(page, "staff")
    expect(page).to_have_url(f"{site.url}/admin/")


def test_someone_who_is_in_goes_straight_on(at_microsoft: Page, site: Site) -> None:
    be(at_microsoft, "staff")
    expect(at_microsoft.locator("#user-tools")).to_be_visible()
    at_microsoft.goto(f"{site.url}/admin/login/?next=/admin/accounts/user/")
    expect(at_microsoft).to_have_url(f"{site.url}/admin/accounts/user/")


def test_someone_who_is_in_but_no_longer_staff_is_told_so(at_microsoft: Page, site: Site) -> None:
    be(at_microsoft, "staff")
    expect(at_microsoft.locator("#user-tools")).to_be_visible()
    User.objects.filter(email="staff@contoso.example").update(is_staff=False)
    at_microsoft.goto(f"{site.url}/admin/")
    expect(at_microsoft.locator(".errornote")).to_contain_text("staff@contoso.example")
    at_microsoft.get_by_role("button", name=BUTTON).click()
    expect(at_microsoft).to_have_url(re.compile("prompt=select_account"))


def test_signing_out_ends_the_session_and_offers_microsofts(at_microsoft: Page, site: Site) -> None:
    be(at_microsoft, "staff")
    at_microsoft.get_by_role("button", name="Sign out").click()
    expect(at_microsoft.get_by_text("still signed in to Microsoft")).to_be_visible()
    at_microsoft.get_by_role("link", name="Sign out of Microsoft too").click()
    expect(at_microsoft).to_have_url(re.compile("/admin/login/"))
    at_microsoft.goto(f"{site.url}/admin/")
    expect(at_microsoft.get_by_role("button", name=BUTTON)).to_be_visible()


def test_a_reload_and_the_back_button_after_sign_in_end_well(
    at_microsoft: Page, site: Site
) -> None:
    be(at_microsoft, "staff")
    expect(at_microsoft).to_have_url(f"{site.url}/admin/")
    at_microsoft.go_back()
    be(at_microsoft, "staff")
    expect(at_microsoft).to_have_url(f"{site.url}/admin/")


def test_two_tabs_both_get_in(at_microsoft: Page, site: Site) -> None:
    other = at_microsoft.context.new_page()
    other.goto(f"{site.url}/admin/accounts/user/")
    other.get_by_role("button", name=BUTTON).click()
    be(at_microsoft, "staff")
    expect(at_microsoft).to_have_url(f"{site.url}/admin/")
    be(other, "staff")
    expect(other).to_have_url(f"{site.url}/admin/accounts/user/")


def test_a_double_click_gets_in(site: Site, people: None, page: Page) -> None:
    page.goto(f"{site.url}/admin/")
    page.get_by_role("button", name=BUTTON).dblclick()
    expect(page).to_have_url(re.compile("authorize"))
    be(page, "staff")
    expect(page).to_have_url(f"{site.url}/admin/")


def test_the_button_works_by_keyboard(site: Site, people: None, page: Page) -> None:
    page.goto(f"{site.url}/admin/")
    page.get_by_role("button", name=BUTTON).focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("authorize"))


def test_no_page_of_the_flow_breaks_its_own_content_security_policy(
    site: Site, people: None, page: Page
) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{site.url}/admin/")
    page.get_by_role("button", name=BUTTON).click()
    be(page, "nobody")
    page.get_by_role("button", name="Try again").click()
    be(page, "staff")
    expect(page.locator("#user-tools")).to_be_visible()
    assert not [text for text in said if "Content Security Policy" in text]
