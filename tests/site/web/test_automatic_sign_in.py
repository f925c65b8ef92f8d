"""SIGN_IN_AUTOMATICALLY: when the login page goes on by itself, and when it must not."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from tests.emulator.server import Emulator
from tests.support.admins import let_in
from tests.support.visitor import CALLBACK, LOGIN, START

COOKIE = "press_button"


@pytest.fixture(autouse=True)
def _on(settings: Settings, db: None) -> None:
    settings.SIGN_IN_AUTOMATICALLY = True


def starts_by_itself(client: Client, path: str = LOGIN) -> bool:
    return b"data-automatic" in client.get(path).content


def test_the_first_visit_goes_on_by_itself_and_a_second_one_soon_after_does_not(
    client: Client,
) -> None:
    assert starts_by_itself(client)
    assert client.cookies[COOKIE]["max-age"] == 60
    assert not starts_by_itself(client)


def test_it_is_off_by_default(client: Client, settings: Settings) -> None:
    settings.SIGN_IN_AUTOMATICALLY = False
    assert not starts_by_itself(client)
    assert COOKIE not in client.cookies


def test_the_start_page_starts_nothing(client: Client) -> None:
    assert not starts_by_itself(client, START)


def test_a_refusal_asks_for_the_button_until_someone_is_in(client: Client) -> None:
    assert client.get(CALLBACK).status_code == 400
    assert client.cookies[COOKIE]["max-age"] == ""
    assert not starts_by_itself(client)


def test_signing_out_asks_for_the_button(client: Client) -> None:
    let_in(client, User.objects.create_user("staff@contoso.example"))
    assert client.post("/admin/logout/").status_code == 200
    assert client.cookies[COOKIE]["max-age"] == ""
    assert not starts_by_itself(client)


def test_someone_who_is_in_but_not_staff_chooses_another_account_themselves(
    client: Client,
) -> None:
    let_in(client, User.objects.create_user("kim@contoso.example", is_staff=False))
    assert not starts_by_itself(client)


def test_the_password_form_stays(client: Client, settings: Settings) -> None:
    settings.ADMIN_PASSWORD_LOGIN = True
    assert not starts_by_itself(client)


def test_a_cookie_of_a_site_by_https_cannot_come_from_elsewhere(
    client: Client, settings: Settings
) -> None:
    settings.SESSION_COOKIE_SECURE = True
    client.get(LOGIN)
    assert client.cookies[f"__Host-{COOKIE}"]["secure"]


@pytest.mark.parametrize(("hint", "sent"), [("", None), ("contoso.com", ["contoso.com"])])
def test_microsoft_is_told_the_domain_that_is_configured(
    client: Client, settings: Settings, emulator: Emulator, hint: str, sent: list[str] | None
) -> None:
    settings.MICROSOFT_DOMAIN_HINT = hint
    there = urlsplit(client.post(START)["Location"])
    assert parse_qs(there.query).get("domain_hint") == sent
