"""Many tabs of one browser, and sign-ins that were begun before another one ended."""

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from tests.emulator.person import sign_in_as
from tests.emulator.server import Emulator
from tests.support.visitor import LOGIN, START

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(emulator: Emulator) -> User:
    User.objects.create_user("editor@contoso.example")
    return User.objects.create_user("staff@contoso.example")


def way_back(client: Client, person: str = "staff", next_path: str = "/admin/") -> str:
    start = client.post(f"{START}?next={next_path}")["Location"]
    return sign_in_as(start, person, quick=True)


def reason(client: Client, there: str) -> str:
    return client.get(there).content.decode().partition('data-reason="')[2].partition('"')[0]


def test_ten_tabs_of_one_person_all_get_where_they_were_going(client: Client, staff: User) -> None:
    pages = [f"/admin/accounts/user/{number}/" for number in range(10)]
    ways = [way_back(client, next_path=page) for page in pages]
    assert [client.get(there)["Location"] for there in ways] == pages


def test_a_tab_from_before_the_sign_in_turns_nobody_into_someone_else(
    client: Client, staff: User
) -> None:
    mine, anothers = way_back(client), way_back(client, "editor")
    assert client.get(mine).status_code == 302
    assert reason(client, anothers) == "session_changed"
    assert client.session["_auth_user_id"] == str(staff.pk)


def test_someone_who_is_in_signs_in_as_someone_else_when_they_begin_it_now(
    client: Client, staff: User
) -> None:
    client.get(way_back(client))
    assert client.get(way_back(client, "editor")).status_code == 302
    assert client.session["_auth_user_id"] != str(staff.pk)


def test_a_password_ends_what_was_begun_before_it_too(
    client: Client, staff: User, settings: Settings
) -> None:
    settings.ADMIN_PASSWORD_LOGIN = True
    settings.AUTHENTICATION_BACKENDS = ["accounts.web.backends.PasswordBackend"]
    staff.set_password("correct horse")
    staff.save()
    anothers = way_back(client, "editor")
    form = {"username": staff.email, "password": "correct horse"}
    assert client.post(LOGIN, form).status_code == 302
    assert reason(client, anothers) == "session_changed"


def test_signing_out_ends_what_was_begun_before_it(client: Client, staff: User) -> None:
    there = way_back(client)
    client.get(way_back(client))
    client.post("/admin/logout/")
    client.cookies.clear()  # as a browser does, which Django's test client does not
    assert reason(client, there) == "cookie_not_sent"
