"""A site whose people signed in through another package: after adoption, at Microsoft's door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from allauth.socialaccount.models import SocialAccount, SocialApp
from allauth.socialaccount.providers.microsoft.provider import MicrosoftGraphProvider
from django.db import connection
from django.http import HttpRequest
from django.test import Client

from accounts.models import SignIn, User
from tests.emulator.id_token import pairwise
from tests.emulator.ids import CLIENT_ID, TENANT
from tests.emulator.people import DEFAULT_PEOPLE
from tests.emulator.pytest_plugin import Entra, entra, entra_server
from tests.support.operators import run
from tests.support.other_packages import make_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["entra", "entra_server"]

pytestmark = pytest.mark.django_db(transaction=True)

SAM, EDA = (next(p for p in DEFAULT_PEOPLE if p.key == key) for key in ("staff", "editor"))


@pytest.fixture
def users() -> list[User]:
    return [User.objects.create_user(str(person.email)) for person in (SAM, EDA)]


@pytest.fixture
def tables() -> Iterator[None]:
    """What another package made is gone after the test; this database serves others."""
    before = set(connection.introspection.table_names())
    yield
    with connection.cursor() as cursor:
        for table in set(connection.introspection.table_names()) - before:
            cursor.execute(f"DROP TABLE {connection.ops.quote_name(table)} CASCADE")


def allauth(users: list[User]) -> None:
    """As allauth's own provider names the answer of Graph's /me."""
    app = SocialApp(provider="microsoft", client_id=CLIENT_ID)
    provider: Any = MicrosoftGraphProvider(HttpRequest(), app=app)
    for user, person in zip(users, (SAM, EDA), strict=True):
        me = {"id": person.oid, "mail": person.email, "userPrincipalName": person.email}
        SocialAccount.objects.create(
            user=user, provider="microsoft", uid=provider.extract_uid(me), extra_data=me
        )


def microsoft_sso(users: list[User]) -> None:
    model = make_tables("django_microsoft_sso").get_model(
        "django_microsoft_sso", "MicrosoftSSOUser"
    )
    for user, person in zip(users, (SAM, EDA), strict=True):
        model.objects.create(
            user_id=user.pk, microsoft_id=person.oid, user_principal_name=person.email
        )


def social_auth(users: list[User]) -> None:
    model = make_tables("social_django").get_model("social_django", "UserSocialAuth")
    for user, person in zip(users, (SAM, EDA), strict=True):
        sub = pairwise(CLIENT_ID, person)
        model.objects.create(user_id=user.pk, provider="azuread-tenant-oauth2", uid=sub)


PACKAGES: list[tuple[str, Callable[[list[User]], None]]] = [
    ("allauth", allauth),
    ("django-microsoft-sso", microsoft_sso),
    ("social-auth", social_auth),
]


@pytest.mark.parametrize(("package", "bind"), PACKAGES, ids=[name for name, _ in PACKAGES])
def test_each_is_in_at_the_first_press_and_an_impostor_is_not(
    package: str, bind: Any, users: list[User], entra: Entra, tables: None
) -> None:
    bind(users)
    named = ["--client-id", CLIENT_ID] if package == "social-auth" else []
    run("staff", "adopt", "--from", package, *named, "--yes")
    before = SignIn.objects.count()

    refused = entra.sign_in(Client(), "impostor")
    assert refused.reason == "identity_conflict"
    row = SignIn.objects.latest()
    assert row.user == users[0]
    assert row.detail.startswith("identity: the user is ")

    for person in ("staff", "editor"):
        client = Client()
        assert entra.sign_in(client, person).reason == ""
        assert client.get("/admin/").status_code == 200
    bound = SocialAccount.objects.values_list("user__email", "uid")
    assert set(bound) == {(p.email, f"{TENANT}:{p.oid}") for p in (SAM, EDA)}
    assert SignIn.objects.count() == before + 3
    assert entra.sign_in(Client(), "impostor").reason == "identity_conflict"


def test_people_of_stock_allauth_are_known_without_adoption(
    users: list[User], entra: Entra
) -> None:
    allauth(users)
    assert entra.sign_in(Client(), "impostor").reason == "identity_conflict"
    entra.add("moved", email="sam@new.example", oid=SAM.oid)
    assert entra.sign_in(Client(), "moved").reason == ""
    assert SocialAccount.objects.get(user=users[0]).uid == f"{TENANT}:{SAM.oid}"
