"""Saving the Microsoft app: Microsoft is asked first, people are told what will happen, undo."""

from __future__ import annotations

import html
import re
import time
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import jwt
import pytest
from allauth.socialaccount.models import SocialApp
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import QueryDict
from django.test import Client
from django.utils import timezone
from django.utils.formats import date_format
from pytest_django import Settings

from accounts import registration
from accounts.admin.microsoft_app.form import MicrosoftAppForm
from accounts.operate.microsoft_app_summary import show
from accounts.protection import secretbox
from accounts.reasons import Refused
from tests.emulator.ids import CLIENT_ID, CLIENT_SECRET, TENANT
from tests.emulator.proofs import AUDIENCE
from tests.support.admins import browser_of, superuser
from tests.support.certificates import both, certificate, pem_of, pfx, public_pem
from tests.support.keys import private_key

if TYPE_CHECKING:
    from pathlib import Path

    from tests.emulator.server import Emulator

LIST = "/admin/socialaccount/socialapp/"
UNKNOWN = "99999999-9999-4999-8999-999999999999"
WRONG = "wrong-secret~of-this-app.0123456789"
NEXT = "next-secret~of-this-app.0123456789x"
NOBODY = "Nobody can sign in with Microsoft until this is corrected."
MADE, FOLLOWING = certificate(), certificate("second")
THUMBPRINT = re.compile(r"Thumbprint of the certificate: <code[^>]*>([0-9A-F]{40})<")


def shown_date(day: date) -> str:
    return date_format(day, "SHORT_DATE_FORMAT")


@pytest.fixture(autouse=True)
def _microsoft(emulator: Emulator) -> None:
    """There to be asked."""


@pytest.fixture
def browser(db: None) -> Client:
    return browser_of(superuser())


@pytest.fixture
def app(db: None) -> SocialApp:
    return an_app()


def an_app(secret: str = CLIENT_SECRET, **kept: Any) -> SocialApp:
    made: SocialApp = SocialApp.objects.create(
        provider="microsoft",
        name="Staff",
        client_id=CLIENT_ID,
        secret=secret,
        settings={"tenant": TENANT, "credential": "secret"} | kept,
    )
    return made


class Form:
    """The app's form as a browser has it: filled in, sent, and sent again with what is there."""

    def __init__(self, browser: Client, app: SocialApp | None = None) -> None:
        self.browser = browser
        self.url = f"{LIST}{app.pk}/change/" if app else f"{LIST}add/"
        self.data: dict[str, Any] = {"name": "Staff", "client_id": CLIENT_ID, "tenant": TENANT}
        self.page = ""

    def send(self, **fields: Any) -> str:
        """The page that came back; "" once it was saved."""
        self.data |= fields
        answer = self.browser.post(self.url, self.data)
        self.page = html.unescape(answer.content.decode())
        secret = ("new_secret", "new_next_secret", "certificate_text", "certificate_file",
                  "certificate_passphrase", "next_certificate_text")  # fmt: skip
        self.data = {name: value for name, value in self.data.items() if name not in secret}
        held = re.search(r'name="held"[^>]*? value="([^"]*)"', self.page)
        self.data["held"] = held[1] if held else ""
        for told in (WRONG, NEXT, CLIENT_SECRET, "PRIVATE KEY", "enc1:"):
            assert told not in self.page
        return "" if answer.status_code == 302 else self.page

    def save_anyway(self) -> str:
        pressed = re.search(r'name="confirmed" value="(\w+)"', self.page)
        assert pressed, self.page
        return self.send(confirmed=pressed[1])

    @property
    def asks(self) -> bool:
        return "Nothing was saved yet" in self.page

    @property
    def errors(self) -> str:
        return " ".join(re.findall(r'<ul class="errorlist[^>]*>(.*?)</ul>', self.page, re.DOTALL))


def saved_app() -> SocialApp:
    found: SocialApp = SocialApp.objects.get()
    return found


def undo(browser: Client, app: SocialApp) -> str:
    answer = browser.post(f"{LIST}{app.pk}/undo/")
    return "" if answer.status_code == 302 else html.unescape(answer.content.decode())


# --- what Microsoft refuses is not put in force unasked ------------------------------------------


def test_what_microsoft_accepts_is_saved_at_once(browser: Client) -> None:
    assert Form(browser).send(new_secret=CLIENT_SECRET) == ""
    assert saved_app().settings["last_tests"]["secret"]["reason"] == ""
    assert "accepted by Microsoft on" in browser.get(LIST).content.decode()


@pytest.mark.parametrize(("fields", "told"), [
    ({"new_secret": WRONG}, "Microsoft does not accept the client"),
    ({"client_id": UNKNOWN}, f"Microsoft does not accept the client {UNKNOWN}"),
])  # fmt: skip
def test_a_refused_app_is_saved_only_when_that_is_confirmed(
    browser: Client, app: SocialApp, fields: dict[str, str], told: str
) -> None:
    form = Form(browser, app)
    page = form.send(**fields)
    assert NOBODY in page
    assert told in page
    assert "Please correct the error" not in page
    before = SocialApp.objects.get()
    assert (before.client_id, before.secret) == (CLIENT_ID, app.secret)
    assert form.save_anyway() == ""
    now = SocialApp.objects.get()
    assert now.client_id == fields.get("client_id", CLIENT_ID)
    assert secretbox.decrypt(now.secret) == fields.get("new_secret", CLIENT_SECRET)


def test_a_confirmation_is_good_for_what_was_shown_only(browser: Client, app: SocialApp) -> None:
    form = Form(browser, app)
    form.send(new_secret=WRONG)
    pressed = re.search(r'name="confirmed" value="(\w+)"', form.page)
    assert pressed
    assert NOBODY in form.send(client_id=UNKNOWN, confirmed=pressed[1])
    assert secretbox.decrypt(saved_app().secret) == CLIENT_SECRET


def test_an_unregistered_redirect_uri_is_told_before_it_is_met(
    browser: Client, emulator: Emulator
) -> None:
    emulator.unregister_redirect_uris()
    emulator.register_redirect_uris(["https://elsewhere.example/"])
    assert "The redirect URI is not registered" in Form(browser).send(new_secret=CLIENT_SECRET)


def test_microsoft_out_of_reach_is_said_and_asked(
    browser: Client, app: SocialApp, settings: Settings
) -> None:
    settings.MICROSOFT_LOGIN_URL = "http://localhost:9"
    form = Form(browser, app)
    assert "Microsoft could not be asked" in form.send(new_secret=WRONG)
    assert form.save_anyway() == ""
    assert "last_tests" not in saved_app().settings
    assert "never tested" in browser.get(LIST).content.decode()


def test_what_no_sign_in_depends_on_is_saved_without_asking(
    browser: Client, app: SocialApp, emulator: Emulator
) -> None:
    emulator.expire_secret()
    assert Form(browser, app).send(name="Renamed", domains="contoso.example") == ""
    assert not emulator.requests


def test_a_second_visible_app_is_asked_about_a_hidden_one_is_not(
    browser: Client, app: SocialApp
) -> None:
    form = Form(browser)
    page = form.send(new_secret=CLIENT_SECRET)
    assert "Another app is visible: nobody can sign in" in page
    assert f"Staff ({CLIENT_ID})" in page
    assert SocialApp.objects.count() == 1
    assert form.send(hidden="on") == ""
    second = SocialApp.objects.latest("pk")
    assert Form(browser, second).send() != ""  # shown again: asked again
    assert show().problem == ""


def test_hiding_or_deleting_the_only_app_is_asked_about(
    browser: Client, app: SocialApp, settings: Settings
) -> None:
    settings.SOCIALACCOUNT_PROVIDERS = {"microsoft": {"APPS": []}}
    assert "No app is left: nobody can sign in" in Form(browser, app).send(hidden="on")
    page = browser.get(f"{LIST}{app.pk}/delete/").content.decode()
    assert "No app is left: nobody can sign in" in page


def test_hiding_falls_back_to_the_environments_app_which_is_tested(
    browser: Client, app: SocialApp, emulator: Emulator
) -> None:
    form = Form(browser, app)
    assert form.send(hidden="on") == ""
    form.send(hidden="")
    emulator.expire_secret()
    assert NOBODY in form.send(hidden="on")


# --- next -----------------------------------------------------------------------------------------


def test_a_refused_next_secret_is_asked_about_and_people_still_sign_in(
    browser: Client, app: SocialApp
) -> None:
    form = Form(browser, app)
    page = form.send(new_next_secret=NEXT)
    assert "People can sign in as before, but the next one would not take over" in page
    assert NOBODY not in page
    assert form.save_anyway() == ""
    assert "refused by Microsoft on" in browser.get(LIST).content.decode()


def test_promoting_asks_and_the_one_before_is_one_click_away(
    browser: Client, emulator: Emulator
) -> None:
    emulator.set_secrets([CLIENT_SECRET, NEXT])
    app = an_app(next_secret=NEXT)
    form = Form(browser, app)
    assert "What is next becomes the only one" in form.send(promote="on")
    assert form.save_anyway() == ""
    assert registration.of_app(saved_app()).secrets == (NEXT,)
    assert undo(browser, app) == ""
    assert registration.of_app(saved_app()).secrets == (CLIENT_SECRET, NEXT)
    assert undo(browser, app) == ""  # and the undo is undone
    assert registration.of_app(saved_app()).secrets == (NEXT,)


def test_promoting_what_microsoft_refuses_says_so(browser: Client) -> None:
    page = Form(browser, an_app(next_secret=NEXT)).send(promote="on")
    assert NOBODY in page
    assert "What is next becomes the only one" in page
    assert registration.of_app(saved_app()).secrets == (CLIENT_SECRET, NEXT)


def test_undo_of_what_is_refused_by_now_asks(
    browser: Client, app: SocialApp, emulator: Emulator
) -> None:
    emulator.set_secrets([NEXT])
    assert Form(browser, app).send(new_secret=NEXT) == ""
    page = undo(browser, app)
    assert NOBODY in page
    pressed = re.search(r'name="confirmed" value="(\w+)"', page)
    assert pressed
    assert registration.of_app(saved_app()).secrets == (NEXT,)
    browser.post(f"{LIST}{app.pk}/undo/", {"confirmed": pressed[1]})
    assert registration.of_app(saved_app()).secrets == (CLIENT_SECRET,)


def test_a_second_change_after_a_wrong_one_leaves_the_undo_what_worked(
    browser: Client,
) -> None:
    app = an_app(last_tests={"secret": {"at": "2026-11-01", "reason": ""}})
    for wrong in (WRONG, WRONG[::-1]):
        form = Form(browser, app)
        assert NOBODY in form.send(new_secret=wrong)
        assert form.save_anyway() == ""
    assert undo(browser, app) == ""
    assert registration.of_app(saved_app()).secrets == (CLIENT_SECRET,)


def test_what_another_admin_saved_meanwhile_is_not_lost(app: SocialApp) -> None:
    """Asking Microsoft takes its time: both had read the app as it was."""
    fields = {"name": "Staff", "client_id": CLIENT_ID, "tenant": TENANT, "new_secret": WRONG}
    first = MicrosoftAppForm(QueryDict(urlencode(fields)), instance=app)
    SocialApp.objects.filter(pk=app.pk).update(secret=secretbox.encrypt(NEXT))
    assert not first.is_valid()
    assert "Someone has changed the app meanwhile" in str(first.errors)
    assert registration.of_app(saved_app()).secrets == (NEXT,)


def test_there_is_nothing_to_undo_before_a_change(browser: Client, app: SocialApp) -> None:
    assert undo(browser, app) == ""
    assert "/undo/" not in browser.get(f"{LIST}{app.pk}/change/").content.decode()
    assert browser.get(f"{LIST}{app.pk}/undo/").status_code == 405


def warns(browser: Client) -> bool:
    cache.delete("front-page:all:en")
    return "The Microsoft app's secret expires" in html.unescape(
        browser.get("/admin/").content.decode()
    )


def test_the_warning_goes_when_a_tested_secret_takes_over_and_not_before(
    browser: Client, emulator: Emulator, settings: Settings
) -> None:
    soon = (timezone.localdate() + timedelta(days=5)).isoformat()
    app = an_app(secret_expires=soon, next_secret=NEXT)
    assert warns(browser)  # it was never tested
    browser.post(f"{LIST}{app.pk}/test/")
    assert warns(browser)  # it was refused
    emulator.set_secrets([CLIENT_SECRET, NEXT])
    browser.post(f"{LIST}{app.pk}/test/")
    assert not warns(browser)
    page = browser.get(LIST).content.decode()
    assert f"in use until {shown_date(date.fromisoformat(soon))}" in page
    assert "next, without an end that is known" in page


def test_in_force_says_the_next_is_used_once_the_first_was_refused(
    browser: Client, emulator: Emulator
) -> None:
    emulator.set_secrets([NEXT])
    later = (timezone.localdate() + timedelta(days=300)).isoformat()
    app = an_app(next_secret=NEXT, next_secret_expires=later)
    browser.post(f"{LIST}{app.pk}/test/")
    words = " ".join(re.sub(r"<[^>]+>", " ", browser.get(LIST).content.decode()).split())
    assert "secret: set, encrypted; not in use; refused by Microsoft on" in words
    assert (
        f"next secret: set, encrypted; in use until {shown_date(date.fromisoformat(later))}"
        in words
    )


# --- what was typed -------------------------------------------------------------------------------


def test_a_secret_outlives_an_error_elsewhere_and_is_never_shown(browser: Client) -> None:
    form = Form(browser)
    form.send(client_id="no-guid", new_secret=CLIENT_SECRET, domains="contoso.example")
    assert "The client ID is a GUID" in form.errors
    assert "kept for this form" in form.page
    assert "contoso.example" in form.page
    assert form.send(client_id=CLIENT_ID) == ""
    assert registration.of_app(saved_app()).secrets == (CLIENT_SECRET,)


def test_what_one_admin_typed_is_no_one_elses(browser: Client) -> None:
    form = Form(browser)
    form.send(client_id="no-guid", new_secret=CLIENT_SECRET)
    form.browser = browser_of(superuser("other@contoso.example"))
    assert "There is no client secret to try" in form.send(client_id=CLIENT_ID)


def test_what_was_typed_lies_in_the_cache_encrypted(browser: Client) -> None:
    form = Form(browser)
    form.send(client_id="no-guid", new_secret=CLIENT_SECRET)
    text = str(cache.get(f"microsoft-app-typed:{form.data['held']}"))
    assert secretbox.is_encrypted(text)
    assert CLIENT_SECRET not in text


# --- certificates ---------------------------------------------------------------------------------


def test_a_pasted_certificate_is_checked_encrypted_and_told_as_the_portal_does(
    browser: Client, emulator: Emulator
) -> None:
    emulator.set_certificates([pem_of(MADE)])
    assert Form(browser).send(credential="certificate", certificate_text=both(MADE)) == ""
    app = saved_app()
    assert secretbox.is_encrypted(app.settings["certificate"])
    page = browser.get(f"{LIST}{app.pk}/change/").content.decode()
    [made] = registration.of_app(app).credentials
    shown = THUMBPRINT.search(page)
    assert shown
    assert made.label == f"certificate {shown[1]}"
    assert f"in use until {shown_date(MADE.not_valid_after_utc.date())}" in page
    for place in (page, str(app.settings), browser.get(LIST).content.decode()):
        assert "PRIVATE KEY" not in place
        assert "enc1:" not in page


def test_an_uploaded_pfx_asks_for_its_passphrase_and_is_kept_meanwhile(
    browser: Client, emulator: Emulator
) -> None:
    emulator.set_certificates([pem_of(MADE)])
    form = Form(browser)
    file = SimpleUploadedFile("staff.pfx", pfx(MADE, "first", "word"))
    form.send(credential="certificate", certificate_file=file)
    assert "What was entered is a PFX with a passphrase" in form.errors
    form.send(certificate_passphrase="another")
    assert "this passphrase does not open" in form.errors
    assert form.send(certificate_passphrase="word") == ""
    assert len(registration.of_app(saved_app()).credentials) == 1
    assert "word" not in secretbox.decrypt(saved_app().settings["certificate"])


@pytest.mark.parametrize(("fields", "told"), [
    ({"certificate_text": pem_of(MADE)}, "without its private key"),
    ({"certificate_text": both(MADE, "second")}, "belongs to another certificate"),
    ({"certificate_text": "/etc/ssl/private/staff.pem"}, "neither PEM text nor a PFX"),
    ({"certificate_text": both(certificate(ends=-timedelta(hours=1)))}, "expired on"),
    ({"certificate_text": both(MADE) + both(FOLLOWING, "second")}, "one at a time"),
    ({}, "Paste or upload the certificate with its key"),
])  # fmt: skip
def test_what_is_no_certificate_to_sign_in_with_is_told_at_its_field(
    browser: Client, fields: dict[str, Any], told: str
) -> None:
    form = Form(browser)
    form.send(credential="certificate", **fields)
    assert told in form.errors
    assert not SocialApp.objects.exists()


def test_a_refused_certificate_is_asked_about(browser: Client, app: SocialApp) -> None:
    form = Form(browser, app)
    page = form.send(credential="certificate", certificate_text=both(MADE))
    assert NOBODY in page
    assert "Microsoft does not accept the certificate" in page
    assert form.save_anyway() == ""
    assert saved_app().secret == ""
    assert undo(browser, app) == ""
    assert registration.of_app(saved_app()).secrets == (CLIENT_SECRET,)
    assert "certificate" not in saved_app().settings


def test_the_next_certificate_takes_over_from_one_that_has_ended(browser: Client) -> None:
    ended = both(certificate(ends=-timedelta(hours=1)))
    app = an_app("", credential="certificate", certificate=ended, next_certificate=both(MADE))
    assert len(registration.of_app(app).credentials) == 1


def test_a_row_of_the_database_never_chooses_a_file(db: None, tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_text(both(MADE))
    app = an_app("", credential="certificate", certificate=str(path))
    with pytest.raises(Refused) as refused:
        registration.of_app(app)
    assert "neither PEM text nor a PFX" in refused.value.detail


# --- the other kinds ------------------------------------------------------------------------------


def test_two_kinds_at_once_are_an_error_that_names_both(browser: Client, app: SocialApp) -> None:
    for chosen in ("secret", "certificate", ""):
        form = Form(browser, app)
        form.send(credential=chosen, new_secret=NEXT, certificate_text=both(MADE))
        assert "secret" in form.errors
        assert "certificate" in form.errors
        assert "An app proves itself by one thing only" in form.errors


def test_a_managed_identity_is_named_by_its_client_id(browser: Client, app: SocialApp) -> None:
    form = Form(browser, app)
    form.send(credential="managed_identity", managed_identity="my-identity")
    assert "The identity is named by a GUID" in form.errors
    form.send(managed_identity="")
    assert "Enter the identity's client ID" in form.errors
    assert "no token" in form.send(managed_identity=UNKNOWN)  # nothing gives one out here
    assert form.save_anyway() == ""
    page = browser.get(f"{LIST}{app.pk}/change/").content.decode()
    assert f"/{TENANT}/v2.0</code>" in page
    assert f">{AUDIENCE}</code>" in page
    assert "Object (principal) ID" in page


def test_a_token_file_is_chosen_by_the_environment_alone(
    browser: Client, app: SocialApp, emulator: Emulator, settings: Settings, tmp_path: Path
) -> None:
    form = Form(browser, app)
    form.send(credential="token_file")
    assert "MICROSOFT_TOKEN_FILE is not set" in form.errors
    assert "MICROSOFT_TOKEN_FILE: nothing that is entered here chooses a file" in form.page
    path = tmp_path / "token"
    now = int(time.time())
    issuer, subject = "https://oidc.cluster.example/abc/", "system:serviceaccount:web:site"
    claims = {"iss": issuer, "sub": subject, "aud": AUDIENCE, "exp": now + 3600}
    path.write_text(jwt.encode(claims, private_key("cluster"), "RS256"))
    emulator.trust_issuer(issuer, public_pem("cluster"))
    emulator.set_federated({"issuer": issuer, "subject": subject})
    settings.MICROSOFT_TOKEN_FILE = str(path)
    assert form.send() == ""
    page = browser.get(f"{LIST}{app.pk}/change/").content.decode()
    for told in (issuer, subject, AUDIENCE):
        assert f">{told}</code>" in page
    assert path.read_text() not in page


# --- the menu -------------------------------------------------------------------------------------


def test_the_menu_has_it_under_microsoft(browser: Client) -> None:
    page = browser.get("/admin/").content.decode() + browser.get(LIST).content.decode()
    links = re.findall(r'<a href="/admin/socialaccount/socialapp/"[^>]*>([^<]*)</a>', page)
    assert links.count("Microsoft apps") >= 2  # the front page's, and the sidebar's
    assert "Social app" not in page
    app = an_app()
    for path in ("", "add/", f"{app.pk}/change/", f"{app.pk}/history/", f"{app.pk}/delete/"):
        page = browser.get(f"{LIST}{path}").content.decode()
        assert "Microsoft app" in page
        assert "Social Accounts" not in page, path


@pytest.mark.parametrize("page", ["add/", "{pk}/change/", "{pk}/undo/", "{pk}/test/", "test/"])
def test_a_stale_session_signs_in_afresh_first(
    page: str, browser: Client, app: SocialApp, emulator: Emulator, settings: Settings
) -> None:
    settings.STEP_UP = "login"
    session = browser.session
    session["signed_in_at"] = (timezone.now() - timedelta(hours=1)).isoformat()
    session.save()
    path = LIST + page.format(pk=app.pk)
    answer = browser.post(path, {"name": "Taken over", "client_id": UNKNOWN})
    assert answer.status_code == 403
    assert saved_app().client_id == CLIENT_ID
    assert not emulator.requests


def test_an_app_that_can_prove_nothing_is_told_on_the_front_page(browser: Client) -> None:
    an_app("", credential="certificate", certificate=both(certificate(ends=-timedelta(hours=1))))
    page = html.unescape(browser.get("/admin/").content.decode())
    assert "Nobody can sign in with Microsoft" in page
    assert "unusable" in browser.get(LIST).content.decode()


def test_apps_are_not_deleted_by_the_handful(browser: Client, app: SocialApp) -> None:
    browser.post(LIST, {"action": "delete_selected", "_selected_action": app.pk, "post": "yes"})
    assert saved_app() == app
