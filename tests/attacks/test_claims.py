"""What a browser says is only claimed: it chooses words for the person, and raises no alarm.

The sources are RFC 6749, 10.12 and 4.1.2.1 (errors travel through the browser), CWE-348 (less
trusted source) and CWE-345 (insufficient verification of data authenticity).
"""

from functools import partial
from urllib.parse import urlencode

import pytest

from accounts.models import SignIn, User
from accounts.operate.doctor.finding import finding_of
from accounts.operate.doctor.probes import refusals
from tests.attacks.scene import Attack, Scene, withstand
from tests.support.visitor import CALLBACK, LOGIN, Page, query_of


def saying(error: str, text: str, scene: Scene) -> Page:
    """A made-up answer on a state that the attacker has been given."""
    browser = scene.browser()
    state = query_of(browser.press_button())["state"]
    query = urlencode({"error": error, "error_description": text, "state": state})
    return browser.get(f"{CALLBACK}?{query}")


def claim(error: str, text: str, reason: str = "microsoft_refused") -> Attack:
    sentence = f"the browser says {error} {text}"
    do = partial(saying, error, text)
    return Attack(sentence, do, reason, "RFC 6749 4.1.2.1", status=403, redeemed=0)


CLAIMS = [
    claim("invalid_client", "AADSTS7000222: The provided client secret keys are expired."),
    claim("invalid_client", "AADSTS7000215: Invalid client secret provided."),
    claim("unauthorized_client", "AADSTS700016: Application not found in the directory."),
    claim("invalid_request", "AADSTS50011: The redirect URI does not match."),
    claim("invalid_request", "AADSTS90002: Tenant not found."),
    claim("invalid_request", "AADSTS900439: Wrong cloud."),
    claim("server_error", ""),
    claim("temporarily_unavailable", "AADSTS90033: A transient error has occurred."),
    claim("invalid_tenant", ""),
    claim("invalid_scope", ""),
    claim("access_denied", "AADSTS50105: not assigned", "not_assigned"),
    claim("access_denied", "AADSTS50020: from elsewhere", "wrong_tenant"),
    claim("invalid_grant", "AADSTS54005: redeemed already"),
    claim("made_up", "AADSTS99999999: no such number"),
]


@pytest.mark.parametrize("attack", CLAIMS, ids=str)
def test_what_a_browser_claims_is_recorded_as_a_claim(scene: Scene, attack: Attack) -> None:
    page = withstand(scene, attack)
    row = SignIn.objects.get(reference=page.reference)
    assert row.source == "browser"
    assert '"source": "browser"' in scene.log_with(page.reference)


def test_no_claim_reaches_admins_front_page(scene: Scene) -> None:
    for attack in CLAIMS:
        attack.do(scene)
    misconfigured(scene)
    page = scene.let_in().get("/admin/").text
    assert "Sign out" in page
    assert "Staff were refused" not in page


def misconfigured(scene: Scene) -> Page:
    """The mark of the redirect to PUBLIC_URL, a host and a proxy's headers, all made up."""
    host = "set-trusted-proxy-count-to-1.example"
    headers = {"Host": host, "X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}
    return scene.browser().get(f"{LOGIN}?origin_checked=1", headers=headers)


def test_a_made_up_host_makes_the_record_advise_nothing(scene: Scene) -> None:
    page = misconfigured(scene)
    assert (page.status, page.reason) == (503, "misconfigured")
    row = SignIn.objects.get(reference=page.reference)
    assert row.source == "browser"
    assert "proxy" not in (row.detail + page.text).lower()


def test_no_claim_is_an_alarm_of_doctors(scene: Scene) -> None:
    for attack in CLAIMS:
        attack.do(scene)
    misconfigured(scene)
    scene.browser().get(f"{CALLBACK}?code=x&state=y&iss=https://attacker.example")
    found = [finding_of(seen) for seen in refusals.run()]
    assert found
    assert {finding.level for finding in found} == {"note"}
    assert "refusals.misconfigured" not in {finding.id for finding in found}


@pytest.mark.parametrize("path", [LOGIN, CALLBACK])
def test_nothing_that_an_outsider_brings_about_advises_to_trust_more(
    scene: Scene, path: str
) -> None:
    """CWE-348: whatever is advised in admin for a refusal of this kind weakens nothing."""
    headers = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}
    scene.browser().get(path, headers=headers | {"Host": "attacker.example"})
    scene.browser().get(f"{path}?origin_checked=1", headers=headers)
    misconfigured(scene)
    User.objects.filter(email="kim@contoso.example").update(is_superuser=True)
    admin = scene.let_in()
    for row in SignIn.objects.filter(outcome="refused"):
        text = admin.get(f"/admin/accounts/signin/{row.pk}/change/").text
        assert "TRUSTED_PROXY_COUNT" not in text
        assert "ALLOWED_HOSTS" not in text
        assert "Claimed by the browser" in text
