"""Pages whose words depend on more than the reason: a tenant that moved, domains not listed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from allauth.socialaccount.models import SocialAccount

from accounts.models import SignIn, User
from tests.emulator.ids import OTHER_TENANT, TENANT
from tests.emulator.person import sign_in_as
from tests.support.admins import let_in
from tests.support.visitor import START

if TYPE_CHECKING:
    from django.test import Client
    from pytest_django import Settings

    from tests.emulator.server import Emulator

pytestmark = pytest.mark.django_db


def page_of(client: Client, person: str) -> str:
    start = client.post(START)["Location"]
    return client.get(sign_in_as(start, person, quick=True)).content.decode()


def test_a_tenant_that_moved_is_no_impostor(client: Client, emulator: Emulator) -> None:
    """r12: the same people and addresses, every object id new."""
    user = User.objects.create_user("staff@contoso.example")
    SocialAccount.objects.create(provider="microsoft", uid=f"{OTHER_TENANT}:old", user=user)
    text = page_of(client, "staff")
    assert 'data-reason="identity_conflict"' in text
    assert "Your account here is linked to another organization" in text
    assert "someone else" not in text
    row = SignIn.objects.get()
    assert f"bound in tenant {OTHER_TENANT}: has the organization moved" in row.detail


def test_an_identity_of_the_same_tenant_is_someone_elses(
    client: Client, emulator: Emulator
) -> None:
    user = User.objects.create_user("staff@contoso.example")
    SocialAccount.objects.create(provider="microsoft", uid=f"{TENANT}:other", user=user)
    assert "someone else" in page_of(client, "staff")


def test_a_domain_that_nobody_listed_is_not_a_missing_address(
    client: Client, emulator: Emulator, settings: Settings
) -> None:
    """r13: two tenants are allowed, and no domain is listed for the second."""
    settings.MICROSOFT_ALLOWED_TENANTS = frozenset({TENANT, OTHER_TENANT})
    User.objects.create_user("staff@contoso.example")
    text = page_of(client, "staff")
    assert 'data-reason="email_not_owned"' in text
    assert "did not tell" not in text
    row = SignIn.objects.get()
    assert (row.email, row.source) == ("staff@contoso.example", "microsoft")


def test_a_signing_key_of_the_apps_own_is_named_in_admin(
    client: Client, emulator: Emulator
) -> None:
    """r04: AADSTS50146 on the way back; what to do is said, and that it is only claimed."""
    text = "AADSTS50146: This application is required to be configured with a signing key."
    emulator.redirect_with(
        set={"error": "invalid_request", "error_description": text}, drop=["code"]
    )
    assert "AADSTS50146" in page_of(client, "staff")
    let_in(client, User.objects.create_superuser("root@contoso.example"))
    shown = client.get(f"/admin/accounts/signin/{SignIn.objects.get().pk}/change/")
    assert "signing key of its own" in shown.content.decode()
    assert "Only the browser said so" in shown.content.decode()
