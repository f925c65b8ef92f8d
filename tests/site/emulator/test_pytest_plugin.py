"""The fixtures that a site's own tests may use."""

import pytest
from django.test import Client

from accounts.models import User
from tests.emulator.pytest_plugin import Entra, entra, entra_server

__all__ = ["entra", "entra_server"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sam() -> User:
    return User.objects.create_user("staff@contoso.example")


def test_staff_get_in_and_where_they_wanted(entra: Entra, client: Client, sam: User) -> None:
    answer = entra.sign_in(client, "staff", next="/admin/accounts/")
    assert (answer.reason, answer.headers["Location"]) == ("", "/admin/accounts/")
    assert client.get("/admin/").status_code == 200


@pytest.mark.parametrize(
    ("person", "reason"),
    [("nobody", "unknown_user"), ("guest", "guest_not_allowed"), ("no_email", "no_email")],
)
def test_who_is_not_is_told_why(entra: Entra, client: Client, person: str, reason: str) -> None:
    assert entra.sign_in(client, person).reason == reason


def test_microsoft_may_say_no(entra: Entra, client: Client) -> None:
    assert entra.meet(client, "cancelled").reason == "cancelled"


def test_a_test_may_have_people_of_its_own(entra: Entra, client: Client, sam: User) -> None:
    entra.add("mallory", email="staff@contoso.example")
    assert entra.sign_in(client, "staff").reason == ""
    assert entra.sign_in(Client(), "mallory").reason == "identity_conflict"
