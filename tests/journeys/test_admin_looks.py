"""Every page of admin that this site adds: no accessibility or CSP violation, narrow or wide,
light or dark."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount, SocialApp
from django.utils import timezone
from playwright.sync_api import Page

from accounts import audit, secretbox
from accounts.models import BreakGlassLink
from tests.journeys.admin_browser import enter, watched
from tests.journeys.looks import expect_well_made
from tests.servers.site import Site
from tests.support.admins import TID, browser_of, person, sign_in, superuser

EXPORT = "id,userPrincipalName,mail,displayName,userType,accountEnabled\n" + "\n".join(
    f",{name}@contoso.example,{name}@contoso.example,{name.title()},Member,True"
    for name in ("cole", "nobody", "COLE")
)
PAGES = {
    "front": "/admin/",
    "people": "/admin/accounts/user/",
    "add": "/admin/accounts/user/add/",
    "add several": "/admin/accounts/user/add-several/",
    "person": "/admin/accounts/user/{person}/change/",
    "unlink": "/admin/accounts/user/{person}/unlink/",
    "sign-ins": "/admin/accounts/signin/",
    "sign-ins of a month": "/admin/accounts/signin/?at__year=2026&at__month=1",
    "sign-in": "/admin/accounts/signin/{row}/change/",
    "sessions": "/admin/accounts/sessions/",
    "rehearsal": "/admin/accounts/rehearsal/",
    "apps": "/admin/socialaccount/socialapp/",
    "app": "/admin/socialaccount/socialapp/{app}/change/",
    "groups": "/admin/auth/group/add/",
    "own sessions": "/admin/accounts/my-sessions/",
    "audit": "/admin/accounts/auditentry/",
    "audit entry": "/admin/accounts/auditentry/{entry}/change/",
    "comparison": "/admin/accounts/user/{person}/relink/{row}/",
}


@pytest.fixture
def things(transactional_db: None) -> dict[str, Any]:
    cole = person("cole@contoso.example", name="Cole League")
    SocialAccount.objects.create(
        user=cole, provider="microsoft", uid=f"{TID}:{TID}", extra_data={"email": cole.email}
    )
    now = timezone.now()
    for day in range(28):
        for _ in range(day % 5 + 1):
            sign_in(at=now - timedelta(days=day, minutes=5), user=cole, email=cole.email)
    sign_in(reason="unknown_user", email="new@contoso.example", at=now - timedelta(days=2))
    sign_in(reason="client_secret_expired", at=now - timedelta(hours=2))
    row = sign_in(reason="identity_conflict", user=cole, email=cole.email, oid=TID, tid=TID)
    app = SocialApp.objects.create(
        provider="microsoft",
        name="Entra",
        client_id="33333333-3333-4333-8333-333333333333",
        secret=secretbox.encrypt("emulator-secret-not-for-production"),
        settings={
            "tenant": TID,
            "secret_expires": (now + timedelta(days=20)).date().isoformat(),
        },
    )
    BreakGlassLink.objects.create(token_hash="x", user=cole, expires_at=now)
    browser_of(cole)
    entry = audit.write("sessions.ended", cole, after={"sessions": 2}, note="left the company")
    return {"person": cole.pk, "row": row.pk, "app": app.pk, "entry": entry.pk}


@pytest.fixture
def admin_page(site: Site, things: dict[str, Any], page: Page) -> Iterator[Page]:
    """A superuser's browser; at the end, nothing may have been complained of in the console."""
    enter(page, site, superuser())
    with watched(page):
        yield page


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_well_made(
    admin_page: Page, site: Site, things: dict[str, Any], name: str
) -> None:
    admin_page.goto(site.url + PAGES[name].format(**things))
    expect_well_made(admin_page, name)


def test_the_rehearsals_result_is_well_made(admin_page: Page, site: Site) -> None:
    admin_page.goto(f"{site.url}/admin/accounts/rehearsal/")
    file = {"name": "people.csv", "mimeType": "text/csv", "buffer": EXPORT.encode()}
    admin_page.get_by_label("People exported from Entra").set_input_files(file)  # type: ignore[arg-type]
    admin_page.get_by_role("button", name="Rehearse").click()
    expect_well_made(admin_page, "rehearsed")


def test_the_connections_findings_are_well_made(admin_page: Page, site: Site) -> None:
    admin_page.goto(f"{site.url}/admin/socialaccount/socialapp/")
    admin_page.get_by_role("button", name="Test connection").click()
    expect_well_made(admin_page, "tested")
