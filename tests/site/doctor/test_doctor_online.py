"""What doctor learns from Microsoft: the emulator, told to be wrong in every way."""

from typing import Any

import pytest
from allauth.socialaccount.models import SocialApp
from django.test import override_settings

from accounts.operate.doctor import online_findings
from accounts.operate.doctor.finding import Finding
from accounts.protection import secretbox
from tests.emulator.ids import CLIENT_ID, CLIENT_SECRET, TENANT
from tests.emulator.server import Emulator
from tests.servers.ports import free_port
from tests.support.doctoring import bad, by_id

pytestmark = pytest.mark.django_db

OTHER = "22222222-2222-4222-8222-222222222222"
CALLBACK = "/accounts/microsoft/login/callback/"


def look() -> dict[str, Finding]:
    return by_id(online_findings())


def add(secret: str = CLIENT_SECRET, **kept: Any) -> None:
    locked = secretbox.encrypt(secret)
    SocialApp.objects.create(
        provider="microsoft", name="M", client_id=CLIENT_ID, secret=locked, settings=kept
    )


def test_all_is_well(emulator: Emulator) -> None:
    found = look()
    assert bad(found.values()) == set()
    assert set(found) >= {
        "online.discovery", "online.tenant", "online.keys", "online.secret",
        "online.redirect_uri", "clock.microsoft",
    }  # fmt: skip


def test_nobody_is_signed_in_and_no_secret_is_in_an_address(emulator: Emulator) -> None:
    look()
    assert emulator.counts["authorize"] == 1
    assert all(CLIENT_SECRET not in str(seen) for seen in emulator.requests if seen.method == "GET")


def test_a_wrong_secret_is_named(emulator: Emulator) -> None:
    emulator.set_secrets({"another-secret"}, expired=())
    finding = look()["online.secret"]
    assert finding.level == "error"
    assert finding.shows_as == ("client_secret_wrong",)
    assert "AADSTS7000215" in finding.detail
    assert CLIENT_SECRET not in str(finding)


def test_an_expired_secret_is_named(emulator: Emulator) -> None:
    emulator.set_secrets((), expired={CLIENT_SECRET})
    assert look()["online.secret"].shows_as == ("client_secret_expired",)


def test_a_second_secret_that_is_good_is_a_warning(emulator: Emulator) -> None:
    add("an-old-secret-of-the-app", next_secret=secretbox.encrypt(CLIENT_SECRET))
    finding = look()["online.secret_second"]
    assert finding.level == "warning"
    assert "--promote-next" in finding.fix


def test_an_unknown_client_is_named(emulator: Emulator) -> None:
    emulator.world.clients.clear()
    found = look()
    assert found["online.secret"].shows_as == ("client_unknown",)
    assert found["online.authorize"].shows_as == ("client_unknown",)


@pytest.mark.parametrize(("error", "number"), [
    ("invalid_grant", 501051), ("unauthorized_client", 50105), ("invalid_resource", 500011),
])  # fmt: skip
def test_a_refusal_after_the_client_was_known_proves_the_secret(
    error: str, number: int, emulator: Emulator
) -> None:
    body = {"error": error, "error_description": f"AADSTS{number}: x", "error_codes": [number]}
    emulator.answer_token(status=400, body=body)
    assert look()["online.secret"].level == "ok"


def test_a_redirect_uri_that_is_not_registered_is_named(emulator: Emulator) -> None:
    emulator.register_redirect_uris([f"https://other.example{CALLBACK}"])
    finding = look()["online.redirect_uri"]
    assert finding.level == "error"
    assert finding.shows_as == ("redirect_uri_mismatch",)
    assert f"http://testserver{CALLBACK}" in finding.title


def test_a_tenant_that_is_not_there_is_named(emulator: Emulator) -> None:
    with override_settings(MICROSOFT_ALLOWED_TENANTS=frozenset({OTHER[:-1] + "9"})):
        add(tenant=OTHER[:-1] + "9")
        finding = look()["online.discovery"]
    assert finding.shows_as == ("tenant_not_found",)


def test_a_tenant_that_is_not_allowed_is_named(emulator: Emulator) -> None:
    add(tenant=OTHER)
    assert look()["online.tenant"].shows_as == ("wrong_tenant",)


@pytest.mark.parametrize("offset", [600, -600])
def test_a_clock_that_is_off_is_named(offset: int, emulator: Emulator) -> None:
    emulator.set_clock_offset(offset)
    finding = look()["clock.microsoft"]
    assert finding.level == "error"
    assert "token_invalid" in finding.shows_as


def test_a_host_that_does_not_answer_is_named(emulator: Emulator) -> None:
    with override_settings(MICROSOFT_LOGIN_URL=f"http://localhost:{free_port()}"):
        found = look()
    assert bad(found.values()) == {"online.discovery"}
    assert found["online.discovery"].shows_as == ("microsoft_unreachable",)


def test_a_document_that_sends_elsewhere_is_named(emulator: Emulator) -> None:
    emulator.answer_discovery(merge={"token_endpoint": "https://evil.example/token"})
    finding = look()["online.discovery"]
    assert finding.shows_as == ("misconfigured",)
    assert "evil" not in finding.detail


def test_keys_that_cannot_be_used_are_named(emulator: Emulator) -> None:
    emulator.answer_jwks(merge={"keys": []})
    assert look()["online.keys"].shows_as == ("misconfigured",)


def test_a_throttled_secret_check_does_not_call_the_secret_wrong(emulator: Emulator) -> None:
    emulator.answer_token(status=429, headers={"Retry-After": "30"})
    assert look()["online.secret_unclear"].shows_as == ("microsoft_throttled",)


def test_an_authorize_request_that_microsoft_dislikes_is_named(emulator: Emulator) -> None:
    dislike = {"error": "unauthorized_client", "error_description": "AADSTS700016: x"}
    emulator.redirect_with(set=dislike)
    found = look()
    assert found["online.redirect_uri"].level == "ok"
    assert found["online.authorize"].shows_as == ("client_unknown",)


def test_a_tenant_by_its_domain_is_the_one_that_its_document_names(emulator: Emulator) -> None:
    with override_settings(MICROSOFT_ALLOWED_TENANTS=frozenset({TENANT})):
        add(tenant="contoso.example")
        assert look()["online.tenant"].level == "ok"
