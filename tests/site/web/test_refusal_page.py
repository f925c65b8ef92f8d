"""What a refused person reads: which account it was, whom to ask, and the same after a reload."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from accounts.models import SignIn, User
from accounts.reasons import Refused
from accounts.web import refusal
from tests.emulator.person import meet, sign_in_as
from tests.support.admins import let_in
from tests.support.visitor import CALLBACK, LOGIN, START

if TYPE_CHECKING:
    from django.test import RequestFactory
    from pytest_django import Settings

    from tests.emulator.server import Emulator

pytestmark = pytest.mark.django_db
RELOAD = re.compile(r'data-reload="([^"]+)"')
REFERENCE = re.compile(r"<code>([A-Z0-9]{4}-[A-Z0-9]{4})</code>")


def refused(client: Client, person: str = "nobody") -> str:
    start = client.post(START)["Location"]
    return client.get(sign_in_as(start, person, quick=True)).content.decode()


def cancelled(client: Client) -> str:
    return client.get(meet(client.post(START)["Location"], "declined", quick=True)).content.decode()


def test_the_account_that_microsoft_signed_in_is_named(client: Client, emulator: Emulator) -> None:
    emulator.tamper(claims={"name": "No\u202eBody <b>"})
    text = refused(client)
    assert "No\ufffdBody &lt;b&gt;" in text
    assert "nobody@contoso.example" in text


@pytest.mark.parametrize("claims", [{"aud": "other"}, {"nonce": "other"}, {"iss": "https://other"}])
def test_no_account_of_a_token_that_failed_is_named(
    client: Client, emulator: Emulator, claims: dict[str, str]
) -> None:
    emulator.tamper(claims=claims)
    assert "@contoso.example" not in refused(client)


def test_a_page_reloaded_says_the_same_and_records_nothing(
    client: Client, emulator: Emulator
) -> None:
    text = refused(client)
    found = RELOAD.search(text)
    assert found
    again = client.get(html.unescape(found[1]))
    assert (again.status_code, again["Cache-Control"]) == (403, client.get(LOGIN)["Cache-Control"])
    for part in ('data-reason="unknown_user"', "nobody@contoso.example", *REFERENCE.findall(text)):
        assert part in again.content.decode()
    assert SignIn.objects.filter(outcome="refused").count() == 1
    assert "code=" not in found[1]
    assert "nobody" not in found[1]


def test_the_address_shows_nothing_to_another_browser(client: Client, emulator: Emulator) -> None:
    found = RELOAD.search(refused(client))
    assert found
    other = Client()
    other.post(START)
    for address in (html.unescape(found[1]), f"{CALLBACK}?refusal=enc1:x", f"{CALLBACK}?refusal="):
        page = other.get(address)
        assert b'data-reason="state_not_ours"' in page.content
        assert b"nobody" not in page.content


def test_the_address_does_not_outlast_an_hour(
    client: Client, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = RELOAD.search(refused(client))
    assert found
    monkeypatch.setattr("accounts.web.refusal_reload._SECONDS", -1)
    page = client.get(html.unescape(found[1]))
    assert b'data-reason="state_not_ours"' in page.content


def test_who_cancels_is_not_told_to_call_anybody(
    client: Client, emulator: Emulator, settings: Settings
) -> None:
    settings.ADMIN_CONTACT = "it@contoso.example"
    text = cancelled(client)
    assert 'data-reason="cancelled"' in text
    assert REFERENCE.search(text)
    assert "administrator" not in text.lower()
    assert "it@contoso.example" not in text


def test_whom_to_ask_is_named(client: Client, emulator: Emulator, settings: Settings) -> None:
    settings.ADMIN_CONTACT = "it@contoso.example"
    assert "mailto:it@contoso.example" in refused(client)
    client.force_login(User.objects.create_user("kim@contoso.example", is_staff=False))
    assert "mailto:it@contoso.example" in client.get(LOGIN).content.decode()


@pytest.mark.parametrize("path", [LOGIN, START, CALLBACK, "/nowhere/", "/admin/break-glass/"])
def test_the_site_has_its_name_on_every_page(client: Client, settings: Settings, path: str) -> None:
    settings.SITE_NAME = "Contoso people"
    text = client.get(path).content.decode()
    assert re.search(r"<title>[^<]*Contoso people\s*</title>", text)
    assert re.search(r'id="site-name">(<a[^>]*>)?Contoso people<', text)
    elsewhere = client.get("/nowhere/", headers={"Host": "evil.example"}).content.decode()
    assert "Contoso people" in elsewhere


def test_admin_has_the_sites_name(client: Client, settings: Settings) -> None:
    settings.SITE_NAME = "Contoso people"
    let_in(client, User.objects.create_superuser("root@contoso.example"))
    assert "Contoso people" in client.get("/admin/").content.decode()


def test_one_verb_is_used_throughout(client: Client) -> None:
    let_in(client, User.objects.create_superuser("root@contoso.example"))
    pages = [client.get("/admin/").content.decode(), client.post("/admin/logout/").content.decode()]
    assert "Sign out" in pages[0]
    assert "Signed out" in pages[1]
    assert not re.search(r"[Ll]og(ged)? ?(in|out)\b(?!/)(?![-_])", re.sub(r"<[^>]*>", "", pages[0]))
    assert "Log" not in re.sub(r"<[^>]*>", "", pages[1])


@pytest.mark.parametrize(("wait", "words"), [
    (1, "in 1 second."), (90, "in 90 seconds."), (121, "in 3 minutes."), (1800, "in 30 minutes."),
])  # fmt: skip
def test_one_wait_is_told_in_seconds_or_minutes(
    rf: RequestFactory, client: Client, wait: int, words: str
) -> None:
    request = client.get(LOGIN).wsgi_request
    page = refusal.page(request, Refused("too_many_attempts", retry_after=wait), "AAAA-BBBB")
    text = page.content.decode()
    assert words in text
    assert "Wait a little" not in text
    assert page["Retry-After"] == str(wait)
