"""The admin of the Microsoft app: what they enter is tried before it keeps anybody out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from django.utils.formats import date_format
from playwright.sync_api import Page, expect

from accounts import registration
from tests.emulator.ids import CLIENT_ID, CLIENT_SECRET, TENANT
from tests.journeys.admin_browser import enter, watched
from tests.journeys.looks import expect_well_made
from tests.support.admins import superuser
from tests.support.certificates import certificate, pem_of, pfx

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from tests.emulator.server import Emulator
    from tests.servers.site import Site

NEXT = "next-secret~of-this-app.0123456789x"
WRONG = "wrong-secret~of-this-app.0123456789"
NOBODY = "Nobody can sign in with Microsoft until this is corrected."


def shown_date(day: date) -> str:
    return date_format(day, "SHORT_DATE_FORMAT")


@pytest.fixture
def admin(site: Site, page: Page) -> Iterator[Page]:
    """A superuser on the front page."""
    enter(page, site, superuser())
    page.goto(f"{site.url}/admin/")
    with watched(page):
        yield page


def open_apps(page: Page) -> None:
    """As whoever does not know where it is: by the sidebar's filter."""
    page.locator("#content").get_by_role("link", name="Sign-ins", exact=True).click()
    page.locator("#nav-filter").fill("Microsoft")
    page.locator("#nav-sidebar").get_by_role("link", name="Microsoft apps", exact=True).click()


def save(page: Page) -> None:
    page.get_by_role("button", name="Save and continue editing").click()


def fill_in_new(page: Page, secret: str, **more: str) -> None:
    page.get_by_role("link", name="Add Microsoft app").click()
    page.get_by_label("Name:", exact=True).fill("Staff")
    page.get_by_label("Client id:", exact=True).fill(CLIENT_ID)
    page.get_by_label("Tenant:", exact=True).fill(TENANT)
    page.get_by_label("Secret:", exact=True).fill(secret)


def test_a_wrong_secret_is_told_before_it_keeps_anybody_out(admin: Page) -> None:
    open_apps(admin)
    fill_in_new(admin, WRONG)
    save(admin)
    confirm = admin.get_by_role("alert")
    expect(confirm).to_contain_text(NOBODY)
    expect(confirm).to_contain_text("AADSTS7000215")
    admin.get_by_label("Client id:", exact=True).press("Enter")  # which confirms nothing
    expect(confirm).to_contain_text(NOBODY)
    expect(admin.get_by_label("Client id:", exact=True)).to_have_value(CLIENT_ID)
    expect(admin.get_by_label("Secret:", exact=True)).to_have_value("")
    expect_well_made(admin, "app asks")
    admin.get_by_label("Secret:", exact=True).fill(CLIENT_SECRET)
    save(admin)
    expect(admin.locator(".messagelist")).to_contain_text("Microsoft accepts what the app proves")
    expect(admin.locator(".staff-in-force")).to_contain_text("accepted by Microsoft on")


def test_the_next_secret_takes_over_and_one_click_brings_the_one_before_back(
    admin: Page, emulator: Emulator
) -> None:
    open_apps(admin)
    fill_in_new(admin, CLIENT_SECRET)
    save(admin)
    emulator.set_secrets([CLIENT_SECRET, NEXT])
    admin.get_by_label("Next secret:", exact=True).fill(NEXT)
    save(admin)
    expect(admin.get_by_role("alert")).to_have_count(0)
    admin.get_by_label("The next one is now the only one").check()
    save(admin)
    expect(admin.get_by_role("alert")).to_contain_text("What is next becomes the only one")
    admin.get_by_label("Save it all the same").check()
    save(admin)
    registration.forget()
    assert registration.read_afresh().secrets == (NEXT,)
    admin.goto(re.sub(r"\?.*", "", admin.url))
    open_apps_form(admin)
    admin.get_by_role("button", name="Undo").click()
    expect(admin.locator(".messagelist")).to_contain_text("as it was before its last change")
    registration.forget()
    assert registration.read_afresh().secrets == (CLIENT_SECRET, NEXT)


def open_apps_form(page: Page) -> None:
    if not page.url.endswith("/change/"):
        page.get_by_role("link", name="Staff", exact=True).click()


def test_a_hidden_app_is_tried_by_itself(admin: Page) -> None:
    open_apps(admin)
    fill_in_new(admin, WRONG)
    admin.get_by_label("Hidden").check()
    save(admin)
    admin.get_by_role("button", name="Test connection").click()
    expect(admin.locator(".staff-findings")).to_contain_text("Microsoft does not accept the client")
    expect(admin.locator("#content")).to_contain_text("It is hidden")


def test_a_certificate_takes_the_secrets_place(admin: Page, emulator: Emulator) -> None:
    made = certificate()
    emulator.set_certificates([pem_of(made)])
    open_apps(admin)
    fill_in_new(admin, CLIENT_SECRET)
    save(admin)
    admin.get_by_role("radio", name="Certificate").check()
    admin.locator("summary", has_text=re.compile(r"^\s*Certificate\s*$")).click()
    file = {"name": "staff.pfx", "mimeType": "application/x-pkcs12",
            "buffer": pfx(made, "first", "word")}  # fmt: skip
    admin.locator("#id_certificate_file").set_input_files(file)  # type: ignore[arg-type]
    save(admin)
    expect(admin.locator(".errorlist")).to_contain_text("What was entered is a PFX with a passphr")
    admin.locator("#id_certificate_passphrase").fill("word")
    save(admin)
    box = admin.locator(".staff-in-force")
    [proof] = registration.read_afresh().credentials
    expect(box).to_contain_text(f"Thumbprint of the certificate: {proof.label.rpartition(' ')[2]}")
    expect(box).to_contain_text(f"in use until {shown_date(made.not_valid_after_utc.date())}")
    expect_well_made(admin, "app by certificate")
