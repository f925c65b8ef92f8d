"""The Microsoft app's form: secrets go in and never come out, and nothing widens the bound."""

import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.socialaccount.models import SocialApp
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from accounts import registration
from accounts.protection import secretbox
from tests.emulator.ids import CLIENT_ID as REAL_ID
from tests.emulator.ids import CLIENT_SECRET, TENANT
from tests.emulator.server import Emulator
from tests.support.admins import TID, browser_of, superuser
from tests.support.certificates import both, certificate, pem_of

LIST = "/admin/socialaccount/socialapp/"
CLIENT_ID = "33333333-3333-4333-8333-333333333333"
UNKNOWN = "99999999-9999-4999-8999-999999999999"
SECRET = "first-secret~of-this-app.0123456789"
NEXT = "next-secret~of-this-app.0123456789x"


@pytest.fixture
def browser(db: None, emulator: Emulator) -> Client:
    return browser_of(superuser())


def fields(**changed: Any) -> dict[str, Any]:
    return {"name": "Entra", "client_id": CLIENT_ID, "tenant": TID, "domains": ""} | changed


def post(browser: Client, page: str, data: dict[str, Any]) -> str:
    """What the form answers; "" once it was saved."""
    answer = browser.post(page, data)
    return "" if answer.status_code == 302 else answer.content.decode()


def hidden_in(page: str) -> dict[str, str]:
    """What "Save anyway" sends besides what was typed."""
    return dict(re.findall(r'name="(confirmed|held)"[^>]*? value="([^"]*)"', page))


def confirm(browser: Client, page: str, data: dict[str, Any]) -> str:
    """Post, and say yes to whatever is asked; returns the errors, or ""."""
    asked = post(browser, page, data)
    if 'name="confirmed"' in asked:
        asked = post(browser, page, data | hidden_in(asked))
        assert 'name="confirmed"' not in asked
    return errors_of(asked)


def add(browser: Client, **changed: Any) -> str:
    """Post the add form; returns the errors on the page, or ""."""
    return confirm(browser, f"{LIST}add/", fields(**changed))


def save(browser: Client, **changed: Any) -> SocialApp:
    """Post the one app's form, and read the app again."""
    page = f"{LIST}{SocialApp.objects.get().pk}/change/"
    assert confirm(browser, page, fields(**changed)) == ""
    app: SocialApp = SocialApp.objects.get()
    return app


def errors_of(page: str) -> str:
    return " ".join(re.findall(r'<ul class="errorlist[^>]*>(.*?)</ul>', page, re.DOTALL))


def test_a_new_app_is_kept_with_its_secret_encrypted(browser: Client) -> None:
    assert add(browser, new_secret=SECRET, domains="Contoso.com, fabrikam.com") == ""
    app = SocialApp.objects.get()
    assert (app.provider, app.client_id) == ("microsoft", CLIENT_ID)
    assert secretbox.is_encrypted(app.secret)
    assert secretbox.decrypt(app.secret) == SECRET
    wanted = {"tenant": TID, "domains": ["contoso.com", "fabrikam.com"], "credential": "secret"}
    assert app.settings.items() >= wanted.items()


def test_saving_without_typing_keeps_both_secrets(browser: Client) -> None:
    add(browser, new_secret=SECRET, new_next_secret=NEXT)
    app = save(browser, name="Renamed")
    assert app.name == "Renamed"
    assert secretbox.decrypt(app.secret) == SECRET
    assert secretbox.decrypt(app.settings["next_secret"]) == NEXT


def test_typing_replaces_the_secret(browser: Client) -> None:
    add(browser, new_secret=SECRET)
    assert secretbox.decrypt(save(browser, new_secret=NEXT).secret) == NEXT


def test_the_next_secret_moves_up_with_its_date(browser: Client) -> None:
    expires = timezone.localdate() + timedelta(days=90)
    add(browser, new_secret=SECRET, new_next_secret=NEXT, next_secret_expires=expires)
    app = save(browser, next_secret_expires=expires, promote="on")
    assert secretbox.decrypt(app.secret) == NEXT
    assert app.settings["secret_expires"] == expires.isoformat()
    assert not {"next_secret", "next_secret_expires"} & app.settings.keys()


def test_there_must_be_a_next_secret_to_move_up(browser: Client) -> None:
    assert "There is no next one to promote" in add(browser, promote="on")


def test_an_old_plain_secret_is_encrypted_when_saved(browser: Client) -> None:
    add(browser)
    SocialApp.objects.update(secret=SECRET)
    page = browser.get(f"{LIST}{SocialApp.objects.get().pk}/change/").content.decode()
    assert "set, not encrypted" in page
    assert SECRET not in page
    app = save(browser)
    assert secretbox.is_encrypted(app.secret)
    assert secretbox.decrypt(app.secret) == SECRET


def test_a_secret_is_shown_as_set_and_nothing_more(browser: Client) -> None:
    assert "Now: not set" in browser.get(f"{LIST}add/").content.decode()
    add(browser, new_secret=SECRET)
    page = browser.get(f"{LIST}{SocialApp.objects.get().pk}/change/").content.decode()
    assert "Now: set, encrypted" in page
    assert SECRET not in page
    assert "enc1:" not in page


def test_a_form_with_errors_does_not_show_what_was_typed(browser: Client) -> None:
    response = browser.post(f"{LIST}add/", fields(client_id="wrong", new_secret=SECRET))
    assert response.status_code == 200
    assert SECRET not in response.content.decode()


def test_history_says_that_the_secret_changed_but_not_what_to(browser: Client) -> None:
    add(browser, new_secret=SECRET)
    save(browser, new_secret=NEXT)
    told = " ".join(LogEntry.objects.values_list("change_message", flat=True))
    assert "Secret" in told
    assert SECRET not in told
    assert NEXT not in told


@pytest.mark.parametrize(("changed", "told"), [
    ({"client_id": "not-a-guid"}, "The client ID is a GUID"),
    ({"tenant": "common"}, "would let strangers in"),
    ({"tenant": "consumers"}, "would let strangers in"),
    ({"tenant": "organizations"}, "goes with MICROSOFT_ALLOWED_TENANTS only"),
    ({"tenant": "22222222-2222-4222-8222-222222222222"}, "nothing here widens it"),
    ({"tenant": "9188040d-6c67-4c5b-b112-36a304b66dad"}, "nothing here widens it"),
    ({"tenant": "not a tenant"}, "The tenant is a GUID"),
    ({"new_secret": CLIENT_ID}, "That is the secret&#x27;s ID"),
    ({"new_secret": "x" * 80}, "at most 79 characters"),
    ({"new_next_secret": "short"}, "too short"),
    ({"secret_expires": "2001-01-01"}, "has passed"),
    ({"domains": "not_a_domain"}, "is no domain"),
    ({"name": ""}, "required"),
])  # fmt: skip
def test_what_cannot_be_right_is_refused_in_words(
    browser: Client, changed: dict[str, str], told: str
) -> None:
    assert told in add(browser, **changed)
    assert not SocialApp.objects.exists()


def test_an_app_whose_secret_has_expired_can_still_be_hidden(browser: Client) -> None:
    add(browser)
    SocialApp.objects.update(settings={"tenant": TID, "secret_expires": "2001-01-01"})
    assert save(browser, secret_expires="2001-01-01", hidden="on").settings["hidden"]


def test_the_pages_say_which_app_is_in_force(browser: Client) -> None:
    assert "The environment" in browser.get(LIST).content.decode()
    add(browser)
    assert "The app in admin:" in browser.get(LIST).content.decode()
    save(browser, hidden="on")
    assert "The environment" in browser.get(LIST).content.decode()


def test_two_visible_apps_are_warned_of_on_list_form_and_front_page(browser: Client) -> None:
    add(browser)
    add(browser, name="Second")
    assert "Several apps are visible" in browser.get(LIST).content.decode()
    assert "Several apps are visible" in browser.get(f"{LIST}add/").content.decode()
    assert "Sign-in is set up twice" in browser.get("/admin/").content.decode()


def test_the_redirect_uri_is_there_to_copy(browser: Client) -> None:
    page = browser.get(LIST).content.decode()
    assert "http://testserver/accounts/microsoft/login/callback/" in page


def test_apps_of_other_providers_are_not_touched(browser: Client) -> None:
    other = SocialApp.objects.create(provider="other", name="Other", client_id="x")
    assert "Other" not in browser.get(LIST).content.decode()
    assert browser.get(f"{LIST}{other.pk}/change/").status_code == 302


# --- Test connection: this app and these secrets, not those in force -----------------------------


def kept_app(secret: str = CLIENT_SECRET, client_id: str = REAL_ID, **kept: Any) -> SocialApp:
    """An app of the emulator's tenant; saving it encrypts what is secret in it."""
    app: SocialApp = SocialApp.objects.create(
        provider="microsoft",
        name="Tested",
        client_id=client_id,
        secret=secret,
        settings={"tenant": TENANT} | kept,
    )
    return app


def press_test(browser: Client, app: SocialApp) -> str:
    """Press the button on the app's own page; the findings that follow, without markup."""
    form = browser.get(f"{LIST}{app.pk}/change/").content.decode()
    action = re.findall(r'<form method="post" action="([^"]+/test/)"', form)
    assert len(action) == 1
    page = browser.post(action[0]).content.decode()
    assert SECRET not in page
    assert CLIENT_SECRET not in page
    assert "PRIVATE KEY" not in page
    assert "enc1:" not in page
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_a_hidden_app_is_tested_itself_and_not_the_one_in_force(
    browser: Client, emulator: Emulator
) -> None:
    kept_app()
    wrong = kept_app(client_id=UNKNOWN, hidden=True)
    told = press_test(browser, wrong)
    assert f"Error: Microsoft does not accept the client {UNKNOWN}" in told
    assert f"Tested: Tested, client ID {UNKNOWN}. It is hidden" in told
    assert "Good: Microsoft accepts the client secret" not in told


def test_a_hidden_app_that_is_right_is_good_while_the_one_in_force_is_wrong(
    browser: Client, emulator: Emulator
) -> None:
    kept_app(client_id=UNKNOWN)
    told = press_test(browser, kept_app(hidden=True))
    assert "Good: Microsoft accepts the client secret" in told
    assert "Error" not in told


@pytest.mark.parametrize(("first", "following", "told"), [
    (CLIENT_SECRET, CLIENT_SECRET, "Good: Microsoft accepts the next secret"),
    (CLIENT_SECRET, NEXT, "Warning: Microsoft does not accept the next secret"),
    (SECRET, CLIENT_SECRET, "Warning: Microsoft accepts only the second client secret"),
    (SECRET, NEXT, f"Error: Microsoft does not accept the client {REAL_ID}"),
    ("", CLIENT_SECRET, "Good: Microsoft accepts the client secret"),
    ("", "", "Error: There is no client secret to try"),
])  # fmt: skip
def test_both_secrets_are_tested(
    browser: Client, emulator: Emulator, first: str, following: str, told: str
) -> None:
    app = kept_app(first, **({"next_secret": following} if following else {}))
    assert told in press_test(browser, app)


def test_each_of_two_visible_apps_is_tested_by_itself(browser: Client, emulator: Emulator) -> None:
    wrong, right = kept_app(client_id=UNKNOWN), kept_app()
    assert "Good: Microsoft accepts the client secret" in press_test(browser, right)
    assert f"does not accept the client {UNKNOWN}" in press_test(browser, wrong)


def test_an_app_by_certificate_is_tested_by_it(browser: Client, emulator: Emulator) -> None:
    made, following = certificate(), certificate("second")
    kept = {"certificate": both(made), "next_certificate": both(following, "second")}
    app = kept_app("", credential="certificate", hidden=True, **kept)
    emulator.set_certificates([pem_of(made), pem_of(following)])
    assert re.search(r"Good: Microsoft accepts the .*which is next", press_test(browser, app))
    emulator.set_certificates([pem_of(made)])
    assert re.search(
        r"Warning: Microsoft does not accept .*which is next", press_test(browser, app)
    )
    emulator.set_certificates([])
    assert "Error: Microsoft does not accept the" in press_test(browser, app)


def test_an_app_whose_secret_cannot_be_read_says_so(browser: Client, emulator: Emulator) -> None:
    kept_app()
    app = kept_app("enc1:of-a-key-that-is-gone", hidden=True)
    assert "Error: This app cannot be used" in press_test(browser, app)


def test_an_app_of_another_provider_or_none_is_not_tested(
    browser: Client, emulator: Emulator
) -> None:
    other = SocialApp.objects.create(provider="other", name="Other", client_id="x")
    for pk in (other.pk, other.pk + 1):
        assert browser.post(f"{LIST}{pk}/test/").headers["Location"] == LIST
    assert not emulator.requests


# --- whatever is secret --------------------------------------------------------------------------


def test_saving_encrypts_whatever_is_secret_and_no_page_shows_it(browser: Client) -> None:
    secrets = {
        "certificate": both(certificate()),
        "next_certificate": both(certificate("second"), "second"),
        "next_secret": NEXT,
        "certificate_password": "correct horse battery",
        "client_key": "a-key-that-nobody-reads",
    }
    app = kept_app(SECRET, credential="certificate", **secrets)
    app.refresh_from_db()
    for name, value in secrets.items():
        assert secretbox.is_encrypted(app.settings[name]), name
        assert secretbox.decrypt(app.settings[name]) == value
    assert (app.settings["credential"], app.settings["tenant"]) == ("certificate", TENANT)
    assert len(registration.of_app(app).credentials) == 2
    before = dict(app.settings)
    saved = browser.post(f"{LIST}{app.pk}/change/", fields(tenant=TENANT, name="Renamed"))
    assert errors_of(saved.content.decode()) == ""
    assert saved.status_code == 302
    app.refresh_from_db()
    assert app.name == "Renamed"
    assert {name: secretbox.decrypt(app.settings[name]) for name in secrets} == secrets
    assert before.keys() == app.settings.keys()
    for page in ("", f"{app.pk}/change/", f"{app.pk}/history/", f"{app.pk}/delete/"):
        shown = browser.get(f"{LIST}{page}").content.decode()
        assert [name for name, value in secrets.items() if value in shown] == []
        assert "enc1:" not in shown
        assert "PRIVATE KEY" not in shown
