"""Every page of admin that this site adds: no accessibility or CSP violation, narrow or wide,
light or dark."""

from datetime import timedelta
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount, SocialApp
from django.utils import timezone
from playwright.sync_api import Page

from accounts import audit
from accounts.models import BreakGlassLink, RoleMapping
from accounts.protection import secretbox
from tests.journeys.admin_browser import enter, watched
from tests.journeys.looks import cut_off, faults_of
from tests.servers.site import Site
from tests.support.admins import TID, browser_of, person, sign_in, superuser

EXPORT = "id,userPrincipalName,mail,displayName,userType,accountEnabled\n" + "\n".join(
    f",{name}@contoso.example,{name}@contoso.example,{name.title()},Member,True"
    for name in ("cole", "nobody", "COLE")
)
PARTS = 4
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
    "group": "/admin/auth/group/add/",
    "own sessions": "/admin/accounts/my-sessions/",
    "audit": "/admin/accounts/auditentry/",
    "audit entry": "/admin/accounts/auditentry/{entry}/change/",
    "groups": "/admin/auth/group/",
    "rights": "/admin/accounts/rights/",
    "roles": "/admin/accounts/rolemapping/",
    "role": "/admin/accounts/rolemapping/add/",
    "role taken out": "/admin/accounts/rolemapping/{role}/delete/",
    "moves": "/admin/accounts/moves/",
    "deactivate": "/admin/accounts/user/{person}/deactivate/",
    "delete": "/admin/accounts/user/{person}/delete/",
    "history": "/admin/accounts/user/{person}/history/",
    "app deleted": "/admin/socialaccount/socialapp/{app}/delete/",
    "comparison": "/admin/accounts/user/{person}/relink/{row}/",
}


@pytest.fixture
def things(transactional_db: None) -> dict[str, Any]:
    cole = person("cole@contoso.example", name="Cole League")
    SocialAccount.objects.create(
        user=cole, provider="microsoft", uid=f"{TID}:{TID}", extra_data={"email": cole.email}
    )
    now = timezone.now()
    for day in range(0, 28, 3):
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
    role = RoleMapping.objects.create(value="Staff")
    return {"role": role.pk, "person": cole.pk, "row": row.pk, "app": app.pk, "entry": entry.pk}


@pytest.mark.parametrize("part", range(PARTS))
def test_every_page_of_ours_is_well_made(
    site: Site, things: dict[str, Any], page: Page, part: int
) -> None:
    """One browser walks them; in parts, since a test may take two minutes on a slow machine."""
    enter(page, site, superuser())
    found = []
    with watched(page):
        for name in [*PAGES][part::PARTS]:
            page.goto(site.url + PAGES[name].format(**things))
            found += faults_of(page, name)
        for name in [*PRESSED][part::PARTS]:
            PRESSED[name](page, site)
            found += faults_of(page, name)
        for language, name in IN_OTHER_LANGUAGES[part::PARTS]:
            page.set_extra_http_headers({"Accept-Language": language})
            page.goto(site.url + PAGES[name].format(**things))
            for width in (360, 1280):
                picture = f"{name}-{language}-{width}"
                found += [f"{picture}: {one}" for one in cut_off(page, picture, width)]
    assert not found, "\n".join(found)


def rehearsed(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/admin/accounts/rehearsal/")
    file = {"name": "people.csv", "mimeType": "text/csv", "buffer": EXPORT.encode()}
    page.get_by_label("People exported from Entra").set_input_files(file)  # type: ignore[arg-type]
    with page.expect_navigation():
        page.get_by_role("button", name="Rehearse").click()


def connection_tested(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/admin/socialaccount/socialapp/")
    with page.expect_navigation():
        page.get_by_role("button", name="Test connection").click()


def previewed(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/admin/accounts/user/add-several/")
    page.locator("textarea").fill("Roe, Rick <rick@contoso.example>\nnobody at all")
    with page.expect_navigation():
        page.locator("#content input[type=submit]").first.click()


PRESSED = {"rehearsed": rehearsed, "tested": connection_tested, "previewed": previewed}
IN_OTHER_LANGUAGES = (
    ("de", "front"), ("de", "people"), ("de", "sign-ins"), ("de", "app"), ("de", "sessions"),
    ("fr", "person"), ("fr", "audit"), ("es", "sign-in"), ("es", "front"), ("vi", "rights"),
    ("vi", "comparison"),
)  # fmt: skip
