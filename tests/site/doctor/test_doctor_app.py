"""Doctor's look at the app registration, before Microsoft is asked."""

from datetime import timedelta
from typing import Any

import pytest
from allauth.socialaccount.models import SocialApp
from django.conf import settings
from django.test import override_settings
from django.utils import timezone

from accounts.operate.doctor.finding import Finding
from accounts.operate.doctor.probes import app
from accounts.protection import secretbox
from tests.emulator.ids import CLIENT_ID, CLIENT_SECRET, TENANT
from tests.support.doctoring import bad, by_id

pytestmark = pytest.mark.django_db

OTHER = "22222222-2222-4222-8222-222222222222"
NONE_IN_ENVIRONMENT = {"microsoft": {**settings.SOCIALACCOUNT_PROVIDERS["microsoft"], "APPS": []}}


def add(client_id: str = CLIENT_ID, secret: str = CLIENT_SECRET, **kept: Any) -> None:
    SocialApp.objects.create(
        provider="microsoft",
        name="Microsoft",
        client_id=client_id,
        secret=secretbox.encrypt(secret),
        settings=kept,
    )


def look() -> dict[str, Finding]:
    return by_id(app.run())


def in_days(days: int) -> str:
    return (timezone.localdate() + timedelta(days=days)).isoformat()


def test_the_environments_app_is_well() -> None:
    assert bad(app.run()) == set()


def test_the_redirect_uri_is_told() -> None:
    assert (
        f"{settings.PUBLIC_URL}/accounts/microsoft/login/callback/"
        in look()["app.redirect_uri"].title
    )


def test_admins_app_is_well_and_said_to_be_in_force() -> None:
    add(client_id=OTHER)
    found = look()
    assert bad(found.values()) == set()
    assert "admin" in found["app.in_force"].title
    assert CLIENT_ID in found["app.in_force"].title


@override_settings(SOCIALACCOUNT_PROVIDERS=NONE_IN_ENVIRONMENT)
def test_no_app_is_an_error() -> None:
    assert look()["app.in_force"].shows_as == ("not_configured",)


@override_settings(SOCIALACCOUNT_PROVIDERS=NONE_IN_ENVIRONMENT)
def test_a_hidden_app_is_mentioned_where_there_is_no_other() -> None:
    add(hidden=True)
    assert "app.hidden" in look()


def test_two_apps_are_an_error() -> None:
    add()
    add(client_id=OTHER)
    assert look()["app.in_force"].shows_as == ("several_apps",)


def test_a_secret_under_a_lost_key_is_an_error() -> None:
    add()
    with override_settings(SECRET_KEY="another-key-of-at-least-fifty-characters-0123456789-abcdef"):
        finding = look()["app.in_force"]
    assert finding.shows_as == ("misconfigured",)
    assert "SECRET_KEY" in finding.title


def test_a_missing_secret_is_an_error() -> None:
    add(secret="")
    assert look()["app.secret_missing"].level == "error"


def test_a_secret_id_instead_of_its_value_is_an_error() -> None:
    add(secret=OTHER)
    finding = look()["app.secret"]
    assert finding.shows_as == ("client_secret_wrong",)
    assert OTHER not in finding.detail


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ("abc8Q~def", "too short"),
        ("YWJjOFF+ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXowMTIzNDU2Nzg5YQ==", "encoded"),
    ],
)
def test_a_secret_that_none_can_be_is_named_without_asking_microsoft(
    secret: str, said: str
) -> None:
    add(secret=secret)
    finding = look()["app.secret"]
    assert said in finding.detail
    assert secret not in finding.detail


def test_a_client_id_that_is_none_is_an_error() -> None:
    add(client_id="my app")
    assert look()["app.client_id"].shows_as == ("client_unknown",)


@pytest.mark.parametrize(("tenant", "reason"), [
    ("common", "tenant_not_found"), (OTHER, "wrong_tenant"),
])  # fmt: skip
def test_a_tenant_that_cannot_be_is_an_error(tenant: str, reason: str) -> None:
    add(tenant=tenant)
    assert look()["app.tenant"].shows_as == (reason,)


@pytest.mark.parametrize(("days", "id_", "level"), [
    (-3, "app.secret_expiry", "error"),
    (10, "app.secret_expires_soon", "warning"),
    (90, "app.secret_expires_soon", "ok"),
])  # fmt: skip
def test_the_date_of_the_secret_is_watched(days: int, id_: str, level: str) -> None:
    add(secret_expires=in_days(days))
    assert look()[id_].level == level


@pytest.mark.parametrize(("tested", "covers"), [
    ({}, False),
    ({"next_secret": {"at": "2026-01-01", "reason": "client_secret_wrong"}}, False),
    ({"next_secret": {"at": "2026-01-01", "reason": ""}}, True),
])  # fmt: skip
def test_a_second_secret_covers_for_the_first_once_microsoft_took_it(
    tested: dict[str, object], covers: bool
) -> None:
    following = {"next_secret": secretbox.encrypt("n8Q~" * 10), "next_secret_expires": in_days(200)}
    add(secret_expires=in_days(3), last_tests=tested, **following)
    assert bad(app.run()) == (set() if covers else {"app.secret_expires_soon"})


def test_several_tenants_need_domains() -> None:
    with override_settings(MICROSOFT_ALLOWED_TENANTS=frozenset({TENANT, OTHER})):
        assert bad(app.run()) == {"app.domains"}
        add(domains=[f"{TENANT}=contoso.example"])
        assert bad(app.run()) == set()
