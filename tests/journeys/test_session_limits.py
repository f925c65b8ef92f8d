"""Sessions end when they should, in Chromium: Microsoft disables, revokes, demands more."""

from __future__ import annotations

import time
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.core.cache import caches
from playwright.sync_api import Page, expect

from accounts.models import SignIn, User
from accounts.sessions import service as sessions
from accounts.sessions.store import MICROSOFT
from accounts.web.request_facts import SEEN
from tests.support.admins import superuser

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import BrowserContext

    from tests.emulator.server import Emulator
    from tests.fixtures import StartSite
    from tests.servers.site import Site

TYPED = "Typed and not saved yet"
HOUR = 3600
USERS = "/admin/accounts/user/"


@pytest.fixture
def root(transactional_db: None) -> User:
    return superuser("staff@contoso.example", name="Sam")


@pytest.fixture
def site(start_site: StartSite) -> Site:
    return start_site(workers=1, RECHECK_MINUTES="60", SESSION_IDLE_MINUTES="60")


def sign_in(page: Page) -> None:
    page.get_by_role("button", name="Sign in with Microsoft").click()
    be_sam(page)


def be_sam(page: Page) -> None:
    page.locator('button[name="person"][value="staff"]').click()


def session_of(page: Page) -> Any:
    name = settings.SESSION_COOKIE_NAME
    key = next(c["value"] for c in page.context.cookies() if c.get("name") == name)
    return import_module(settings.SESSION_ENGINE).SessionStore(key)


def age(page: Page, *, unused: float = 0, unconfirmed: float = 0) -> None:
    """As if the session had been used, and confirmed by Microsoft, so long ago."""
    session = session_of(page)
    session[SEEN] = time.time() - unused
    session[MICROSOFT] = {**session[MICROSOFT], "checked_at": time.time() - unconfirmed}
    session.save()


def disable(emulator: Emulator, page: Page) -> None:
    emulator.at_microsoft(disabled=["staff"])
    age(page, unconfirmed=0.9 * HOUR)


def open_form(context: BrowserContext, site: Site, person: User) -> Page:
    page = context.new_page()
    page.goto(f"{site.url}{USERS}{person.pk}/change/")
    page.get_by_label("Name").fill(TYPED)
    page.wait_for_timeout(600)  # it is kept a moment after the last key
    return page


def save(page: Page) -> None:
    page.get_by_role("button", name="Save", exact=True).click()


def test_typed_text_is_there_after_each_way_a_session_can_end(
    site: Site, page: Page, root: User, emulator: Emulator
) -> None:
    ways: dict[str, tuple[Callable[[], Any], Callable[[Page], Any]]] = {
        "idle": (lambda: age(page, unused=HOUR + 60), lambda tab: tab.reload()),
        "re-check refused": (
            lambda: disable(emulator, page),
            lambda tab: tab.reload(),
        ),
        "signed out elsewhere": (
            lambda: sessions.end(sessions.handle_of(session_of(page).session_key), root),
            save,
        ),
        "ended by an admin": (lambda: sessions.end_all_of(root), save),
        "Redis emptied": (lambda: caches[settings.SESSION_CACHE_ALIAS].clear(), save),
    }
    page.goto(f"{site.url}/admin/")
    sign_in(page)
    expect(page.locator("#user-tools")).to_be_visible()
    for number, (way, (end, go_on)) in enumerate(ways.items()):
        people = [User.objects.create_user(f"{number}{n}@contoso.example") for n in range(3)]
        tabs = [open_form(page.context, site, person) for person in people]
        end()
        go_on(tabs[0])
        expect(tabs[0].get_by_role("button", name="Sign in with Microsoft")).to_be_visible()
        emulator.at_microsoft(disabled=[])
        sign_in(tabs[0])
        expect(tabs[0].get_by_label("Name"), way).to_have_value(TYPED)
        save(tabs[0])
        expect(tabs[0].locator(".messagelist .success"), way).to_be_visible()

        save(tabs[1])  # its form is from before, and can be sent again
        refused, done = tabs[1].locator('[data-reason="form_refused"]'), ".messagelist .success"
        expect(refused.or_(tabs[1].locator(done)).first, way).to_be_visible()
        if refused.count():
            tabs[1].get_by_role("button", name="Send it again").click()
        expect(tabs[1].locator(done), way).to_be_visible()

        with tabs[2].expect_navigation():
            save(tabs[2])
        tabs[2].go_back()
        expect(tabs[2].get_by_label("Name"), way).to_have_value(TYPED)
        names = User.objects.filter(pk__in=[people[0].pk, people[1].pk]).values_list("name")
        assert set(names) == {(TYPED,)}, way
        for tab in tabs:
            tab.close()


def test_who_is_disabled_revoked_or_has_to_prove_more_is_out_and_told(
    site: Site, page: Page, root: User, emulator: Emulator
) -> None:
    controls: dict[str, Callable[[], Any]] = {
        "disabled": lambda: emulator.at_microsoft(disabled=["staff"]),
        "MFA demanded": lambda: emulator.at_microsoft(demands_mfa=["staff"]),
        "revoked": emulator.reset,
    }
    page.goto(f"{site.url}{USERS}")
    sign_in(page)
    expect(page.locator("#user-tools")).to_be_visible()
    age(page, unconfirmed=0.9 * HOUR)
    page.goto(f"{site.url}{USERS}?q=sam")  # confirmed in the background: nobody is asked
    expect(page).to_have_url(f"{site.url}{USERS}?q=sam")
    expect(page.locator("#user-tools")).to_be_visible()
    for name, control in controls.items():
        age(page, unconfirmed=1.1 * HOUR)
        control()
        page.goto(f"{site.url}{USERS}?q=sam")
        expect(page, name).to_have_url(
            f"{site.url}/admin/login/?next={USERS}%3Fq%3Dsam&ended=recheck"
        )
        expect(page.get_by_text("Microsoft has to confirm from time"), name).to_be_visible()
        assert "re-check" in SignIn.objects.latest().detail
        emulator.reset()
        sign_in(page)
        expect(page, name).to_have_url(f"{site.url}{USERS}?q=sam")


def test_a_context_is_asked_for_before_the_form_is_shown(
    start_site: StartSite, page: Page, root: User, emulator: Emulator
) -> None:
    site = start_site(workers=1, STEP_UP="c7")
    page.goto(f"{site.url}{USERS}")
    sign_in(page)
    page.goto(f"{site.url}{USERS}add/")
    expect(page.get_by_role("heading", name="Confirm that it is you")).to_be_visible()
    expect(page.get_by_label("Email address")).to_have_count(0)
    page.get_by_role("button", name="Confirm with Microsoft").click()
    be_sam(page)  # Conditional Access is not satisfied
    expect(page.locator("[data-reason]")).to_have_attribute("data-reason", "blocked_by_policy")
    emulator.at_microsoft(contexts=["c7"])
    page.goto(f"{site.url}{USERS}add/")
    page.get_by_role("button", name="Confirm with Microsoft").click()
    be_sam(page)
    expect(page).to_have_url(f"{site.url}{USERS}add/")
    expect(page.get_by_label("Email address")).to_be_visible()
