"""Several tenants: each may speak for the mail domains that it owns, and for no others.

The sources are the nOAuth research (Descope 2023, Semperis 2025) and Microsoft's guide to
validating claims of multi-tenant apps.
"""

import pytest
from allauth.socialaccount.models import SocialApp

from tests.attacks.mallory import someone
from tests.attacks.scene import VICTIM, Attack, Scene, withstand
from tests.emulator.ids import CLIENT_ID, CLIENT_SECRET, CONSUMERS, OTHER_TENANT, TENANT
from tests.fixtures import StartSite
from tests.servers.redis import Redis
from tests.support.visitor import LOGIN, Page

NOAUTH = "nOAuth (Descope 2023)"
NOAUTH_AGAIN = "nOAuth (Semperis 2025)"


@pytest.fixture
def shared_scene(start_site: StartSite, scene: Scene, redis_server: Redis) -> Scene:
    """A site for two tenants, each with its own mail domain."""
    site = start_site(
        workers=1,
        MICROSOFT_TENANT_ID="organizations",
        MICROSOFT_ALLOWED_TENANTS=f"{TENANT},{OTHER_TENANT}",
    )
    domains = [f"{TENANT}=contoso.example", f"{OTHER_TENANT}=fabrikam.example"]
    SocialApp.objects.create(
        provider="microsoft",
        name="Microsoft",
        client_id=CLIENT_ID,
        secret=CLIENT_SECRET,
        settings={"domains": domains},
    )
    return Scene(site, scene.emulator, redis_server.client())


NOT_OWNED = "email_not_owned"
SEVERAL_TENANTS = [
    someone("the second tenant claims an address of the first", NOT_OWNED, NOAUTH,
            email=VICTIM, tid=OTHER_TENANT),
    someone("the second tenant claims it in capitals", NOT_OWNED, NOAUTH,
            email=VICTIM.upper(), tid=OTHER_TENANT),
    someone("the second tenant claims a domain below its own", NOT_OWNED, NOAUTH_AGAIN,
            email="other@sub.fabrikam.example", tid=OTHER_TENANT),
    someone("the second tenant claims a domain that ends in its own", NOT_OWNED, NOAUTH_AGAIN,
            email="other@notfabrikam.example", tid=OTHER_TENANT),
    someone("the second tenant's domain comes first, the victim's last", NOT_OWNED, NOAUTH_AGAIN,
            email="staff@fabrikam.example@contoso.example", tid=OTHER_TENANT),
    someone("the first tenant claims an address of the second", NOT_OWNED, NOAUTH,
            email="other@fabrikam.example"),
    someone("the owner of the domain is declared unverified", "no_email", NOAUTH,
            email="other@fabrikam.example", tid=OTHER_TENANT, claims={"xms_edov": False}),
    someone("a third tenant", "wrong_tenant", NOAUTH, email=VICTIM,
            tid="55555555-5555-4555-8555-555555555555"),
    someone("personal accounts, which no list can allow", "wrong_tenant", NOAUTH, email=VICTIM,
            tid=CONSUMERS),
    someone("the first tenant's tid under the second's issuer", "token_invalid",
            "Microsoft, validate claims: iss and tid must agree", email=VICTIM,
            tid=OTHER_TENANT, claims={"tid": TENANT}),
]  # fmt: skip


def test_of_several_tenants_each_speaks_for_its_own_domains_only(shared_scene: Scene) -> None:
    for attack in SEVERAL_TENANTS:
        withstand(shared_scene, attack)
    assert shared_scene.let_in("other_tenant").is_in()


def test_metadata_of_another_tenant_opens_no_door_to_it(
    start_site: StartSite, scene: Scene
) -> None:
    """A tenant named by its domain: whatever the document says, the allowed ones are the bound."""
    named = {"MICROSOFT_TENANT_ID": "contoso.example", "MICROSOFT_ALLOWED_TENANTS": TENANT}
    lied_to = start_site(workers=1, **named)
    issuer = f"{scene.emulator.url}/{OTHER_TENANT}/v2.0"
    scene.emulator.answer_discovery(merge={"issuer": issuer})
    scene.emulator.answer_jwks(replace=[[TENANT, OTHER_TENANT]])
    attack = someone(
        "another tenant's issuer", "wrong_tenant", NOAUTH, email=VICTIM, tid=OTHER_TENANT
    )
    withstand(Scene(lied_to, scene.emulator, scene.redis, calm_site=scene.site), attack)


def test_metadata_of_another_tenant_than_asked_for_starts_no_sign_in(
    start_site: StartSite, scene: Scene
) -> None:
    """oidcc-client-test-discovery-issuer-mismatch; ASVS 10.5.3."""
    site = start_site(workers=1, MICROSOFT_TENANT_ID=OTHER_TENANT)
    scene.emulator.answer_discovery(merge={"issuer": f"{scene.emulator.url}/{TENANT}/v2.0"})
    attack = Attack("our issuer for their tenant", pressed, "misconfigured", detail="issuer: ")
    withstand(Scene(site, scene.emulator, scene.redis, calm_site=scene.site), attack)


def pressed(scene: Scene) -> Page:
    browser = scene.browser()
    return browser.submit(browser.get(LOGIN))
