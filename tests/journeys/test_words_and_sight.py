"""What admins read and see: their language, their time, browsers by name, links that lead on."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from accounts.models import User
from tests.fixtures import StartSite
from tests.journeys.admin_browser import enter, watched
from tests.journeys.looks import expect_well_made
from tests.journeys.tasks import CHROME, SECRET, an_app
from tests.servers.site import Site
from tests.support.admins import group, person, sign_in, superuser

BUTTON = "Sign in with Microsoft"


@pytest.fixture
def admin(site: Site, page: Page) -> Iterator[Page]:
    page.set_viewport_size({"width": 1280, "height": 900})
    enter(page, site, superuser())
    with watched(page):
        yield page


def test_a_notice_leads_to_what_it_is_about_and_ends_when_that_is_fixed(
    admin: Page, site: Site
) -> None:
    an_app(5)
    admin.goto(f"{site.url}/admin/")
    notice = admin.locator(".messagelist li").filter(has_text="expires in 5 days")
    notice.get_by_role("link", name="Show").click()
    admin.locator("#result_list").get_by_role("link", name="Microsoft", exact=True).click()
    admin.get_by_label("Next secret:", exact=True).fill(SECRET)
    later = timezone.localdate().replace(year=timezone.localdate().year + 1)
    admin.get_by_label("Next secret expires on:", exact=True).fill(later.isoformat())
    admin.get_by_role("button", name="Save", exact=True).click()
    expect(admin.locator(".messagelist .success")).to_be_visible()
    admin.goto(f"{site.url}/admin/")
    expect(notice).to_have_count(0)


def test_a_record_says_who_from_where_and_with_what_in_words(admin: Page, site: Site) -> None:
    cole = person("cole@contoso.example")
    sign_in(user=cole, client_ip="10.1.2.3", user_agent=CHROME, reference="BCDF-2345")
    admin.goto(f"{site.url}/admin/accounts/signin/")
    row = admin.get_by_role("row", name=re.compile("BCDF-2345"))
    expect(row).to_contain_text("10.1.2.3 (internal network)")
    for seen in (row.get_by_role("link", name="BCDF-2345"), row.get_by_text("cole@")):
        box = seen.bounding_box()
        filters = admin.locator("#changelist-filter").bounding_box()
        assert box
        assert filters
        assert box["x"] + box["width"] <= filters["x"]
    expect(row.get_by_text(CHROME)).to_be_hidden()
    row.get_by_text("Chrome on Windows").click()
    expect(row.get_by_text(CHROME)).to_be_visible()
    row.get_by_role("link", name="cole@contoso.example").click()
    expect(admin).to_have_url(re.compile(rf"/accounts/user/{cole.pk}/change/"))


def test_a_day_of_the_chart_leads_to_its_sign_ins(admin: Page, site: Site) -> None:
    sign_in(reference="BCDF-2345")
    admin.goto(f"{site.url}/admin/")
    admin.locator(".staff-chart svg a").last.click()
    expect(admin.locator("#result_list")).to_contain_text("BCDF-2345")
    expect(admin).to_have_url(re.compile("at__day="))


def test_an_action_keeps_search_and_filters(admin: Page, site: Site) -> None:
    for name in ("cole", "nicole", "anna"):
        person(f"{name}@contoso.example")
    admin.goto(f"{site.url}/admin/accounts/user/?q=cole&is_staff__exact=1")
    admin.get_by_role("row", name=re.compile("nicole@")).get_by_role("checkbox").check()
    admin.get_by_label("Action:").select_option("sign_out")
    admin.get_by_role("button", name="Go").click()
    admin.get_by_role("button", name="Sign out everywhere").click()
    expect(admin.locator(".messagelist")).to_contain_text("1 person was signed out everywhere.")
    expect(admin).to_have_url(re.compile(r"\?q=cole&is_staff__exact=1"))
    expect(admin.locator("#result_list")).not_to_contain_text("anna@")


def test_a_group_made_with_plus_stands_in_the_form_ticked(admin: Page, site: Site) -> None:
    cole = person("cole@contoso.example")
    group("Editors")
    admin.goto(f"{site.url}/admin/accounts/user/{cole.pk}/change/")
    with admin.expect_popup() as opened:
        admin.locator("#add_id_groups").click()
    opened.value.get_by_label("Name:").fill("Auditors")
    opened.value.get_by_role("button", name="Save", exact=True).click()
    expect(admin.get_by_label("Auditors")).to_be_checked()
    admin.get_by_role("button", name="Save", exact=True).click()
    expect(admin.locator(".messagelist .success")).to_be_visible()
    assert [one.name for one in cole.groups.all()] == ["Auditors"]


def test_nothing_leads_nowhere_and_one_verb_is_used(admin: Page, site: Site) -> None:
    admin.goto(f"{site.url}/admin/")
    tools = admin.locator("#user-tools")
    expect(tools.get_by_role("button", name="Sign out")).to_be_visible()
    expect(tools).not_to_contain_text(re.compile("View site|Log out", re.IGNORECASE))


def test_the_readers_own_time_stands_below_the_sites(site: Site, browser: Browser) -> None:
    sign_in(at=datetime.now(UTC).replace(hour=20, minute=15), reference="BCDF-2345")
    context = browser.new_context(timezone_id="Asia/Ho_Chi_Minh", locale="en-GB")
    page = context.new_page()
    enter(page, site, superuser())
    page.goto(f"{site.url}/admin/accounts/signin/")
    cell = page.get_by_role("row", name=re.compile("BCDF-2345")).locator("time")
    expect(cell).to_contain_text("20:15 UTC")
    expect(cell.locator(".staff-own-time")).to_contain_text("03:15")
    context.close()


def test_a_german_reads_german(site: Site, browser: Browser) -> None:
    an_app(20)
    sign_in(reason="unknown_user", email="neu@contoso.example", user_agent=CHROME)
    context = browser.new_context(locale="de-DE")
    page = context.new_page()
    enter(page, site, superuser())
    page.goto(f"{site.url}/admin/")
    expect(page.get_by_text("läuft in 20 Tagen ab")).to_be_visible()
    page.locator("#content").get_by_role("link", name="Anmeldungen", exact=True).click()
    row = page.get_by_role("row", name=re.compile("neu@"))
    expect(row).to_contain_text("Abgelehnt: Hier kein Konto")
    expect(row).to_contain_text("Chrome unter Windows")
    row.get_by_role("link", name="Diese Person hinzufügen").click()
    expect(page.get_by_text("Die Adresse, unter der Microsoft die Person kennt")).to_be_visible()
    context.close()


def test_someone_without_permissions_reads_whom_to_ask(start_site: StartSite, page: Page) -> None:
    site = start_site(workers=1, ADMIN_CONTACT="helpdesk@contoso.example")
    User.objects.create_user("staff@contoso.example", name="Sam Staff")
    page.goto(f"{site.url}/admin/")
    page.get_by_role("button", name=BUTTON).click()
    page.locator('button[name="person"][value="staff"]').click()
    expect(page.get_by_text("your account has no permissions on this site yet")).to_be_visible()
    expect(page.get_by_role("link", name="helpdesk@contoso.example")).to_be_visible()
    expect(page.get_by_text("permission to view or edit anything")).to_have_count(0)
    expect_well_made(page, "no permissions")


def test_pages_on_the_way_in_and_out_are_well_made(start_site: StartSite, page: Page) -> None:
    site = start_site(workers=1, ADMIN_CONTACT="helpdesk@contoso.example", STEP_UP="login")
    User.objects.create_user("staff@contoso.example", name="Sam Staff")
    page.goto(f"{site.url}/admin/")
    page.get_by_role("button", name=BUTTON).click()
    page.locator('button[name="person"][value="staff"]').click()
    expect(page.locator("#user-tools")).to_be_visible()
    User.objects.update(is_superuser=True)
    page.goto(f"{site.url}/admin/accounts/user/add/")
    page.wait_for_load_state()
    expect_well_made(page, "step up")
    page.goto(f"{site.url}/admin/")
    with page.expect_navigation():
        page.get_by_role("button", name="Sign out").first.click()
    expect_well_made(page, "signed out")
    page.goto(f"{site.url}/admin/login/?ended=idle")
    expect_well_made(page, "session ended")
    page.get_by_role("button", name=BUTTON).click()
    page.locator('button[name="person"][value="nobody"]').click()
    expect(page.locator("[data-reason]")).to_be_visible()
    expect_well_made(page, "refused")
