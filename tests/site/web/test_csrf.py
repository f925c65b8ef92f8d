"""A form that the CSRF check refuses: its true cause, a reference, a record, and nothing lost."""

import re
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from pytest_django import Settings

from accounts.models import SignIn, User
from tests.support.visitor import LOGIN, START

pytestmark = pytest.mark.django_db
ORIGIN = {"Origin": "http://testserver"}
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')
BREAK_GLASS = "/admin/break-glass/"
ADD = "/admin/accounts/user/add/"


@pytest.fixture
def browser() -> Client:
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def staff() -> User:
    return User.objects.create_user("staff@contoso.example", is_superuser=True)


def token_of(browser: Client, path: str = LOGIN) -> str:
    found = TOKEN.search(browser.get(path).content.decode())
    assert found
    return found[1]


def refused(response: Any) -> SignIn:
    """The row that page and reference lead to."""
    text = response.content.decode()
    assert response.status_code == 403
    assert 'data-reason="form_refused"' in text
    reference = re.search(r"<code>([A-Z0-9]{4}-[A-Z0-9]{4})</code>", text)
    assert reference
    row = SignIn.objects.get(reference=reference[1])
    assert (row.reason, row.source, row.outcome) == ("form_refused", "browser", "refused")
    return row


@pytest.mark.parametrize("path", [START, BREAK_GLASS, ADD, "/admin/logout/"])
@pytest.mark.parametrize(("headers", "sends_token", "detail"), [
    ({"Origin": "https://attacker.example"}, True, "origin: the form came from another site"),
    ({"Origin": "null"}, True, "origin: the browser does not say"),
    ({"Origin": "http://testserver:81"}, True, "origin: the form came from another site"),
    (ORIGIN, False, "token: none in the form"),
    ({}, False, "token: none in the form"),
])  # fmt: skip
def test_the_cause_is_named_wherever_the_check_fails(
    browser: Client, path: str, headers: dict[str, str], sends_token: bool, detail: str
) -> None:
    token = token_of(browser)
    form = {"csrfmiddlewaretoken": token} if sends_token else {}
    assert refused(browser.post(path, form, headers=headers)).detail.startswith(detail)


def test_a_cookie_that_is_not_sent_is_named(browser: Client) -> None:
    token = token_of(browser)
    browser.cookies.clear()
    row = refused(browser.post(START, {"csrfmiddlewaretoken": token}, headers=ORIGIN))
    assert row.detail.startswith("cookie: the CSRF cookie was not sent: blocked")


def test_a_secure_cookie_on_http_is_named(browser: Client, settings: Settings) -> None:
    settings.CSRF_COOKIE_SECURE = True
    row = refused(browser.post(START, {"csrfmiddlewaretoken": "a" * 64}, headers=ORIGIN))
    assert row.detail.startswith("cookie: the CSRF cookie was not sent on http")


@pytest.mark.parametrize(("headers", "detail"), [
    ({}, "origin: the browser does not say"),
    ({"Referer": "https://attacker.example/"}, "origin: the form came from another site"),
    ({"Referer": "http://testserver/"}, "origin: the form came from another site"),
    ({"Referer": "nonsense"}, "origin: the form came from another site"),
])  # fmt: skip
def test_a_referer_is_looked_at_on_https_where_there_is_no_origin(
    settings: Settings, headers: dict[str, str], detail: str
) -> None:
    settings.PUBLIC_URL = "https://testserver"
    browser = Client(enforce_csrf_checks=True, SERVER_PORT="443")
    post = {"csrfmiddlewaretoken": "a" * 64}
    assert refused(browser.post(START, post, secure=True, headers=headers)).detail.startswith(
        detail
    )


def test_a_token_of_cookies_that_were_cleared_is_named(browser: Client) -> None:
    token = token_of(browser)
    browser.cookies.clear()
    token_of(browser)
    row = refused(browser.post(START, {"csrfmiddlewaretoken": token}, headers=ORIGIN))
    assert row.detail.startswith("token: of another cookie")


# --- someone who is in ---------------------------------------------------------------------------


def signs_in(browser: Client, staff: User, token: str) -> None:
    """As a sign-in in another tab does: a new session, a new token."""
    staff.set_password("correct horse")
    staff.save()
    form = {"username": staff.email, "password": "correct horse", "csrfmiddlewaretoken": token}
    assert browser.post(f"{LOGIN}?next=/admin/", form, headers=ORIGIN).status_code == 302


@pytest.fixture
def old_token(browser: Client, staff: User, settings: Settings) -> str:
    """Of a page that was opened before someone signed in, in another tab."""
    settings.ADMIN_PASSWORD_LOGIN = True
    settings.AUTHENTICATION_BACKENDS = ["accounts.web.backends.PasswordBackend"]
    token = token_of(browser)
    signs_in(browser, staff, token)
    return token


def test_a_second_sign_in_tab_goes_on_into_admin(browser: Client, old_token: str) -> None:
    form = {"csrfmiddlewaretoken": old_token}
    there = f"{START}?next=/admin/accounts/user/"
    assert browser.post(there, form, headers=ORIGIN)["Location"] == "/admin/accounts/user/"
    assert not SignIn.objects.filter(outcome="refused").exists()


def test_another_site_does_not_make_anyone_go_on(browser: Client, old_token: str) -> None:
    form = {"csrfmiddlewaretoken": old_token}
    refused(browser.post(START, form, headers={"Origin": "https://attacker.example"}))


def test_what_was_typed_before_signing_in_again_is_sent_once_more(
    browser: Client, old_token: str
) -> None:
    typed = {"email": "new@contoso.example", "name": '\nNew "one" <b>'}
    sent = browser.post(ADD, {**typed, "csrfmiddlewaretoken": old_token}, headers=ORIGIN)
    row = refused(sent)
    assert row.detail == "token: of before the sign-in of this browser"
    assert row.user is not None
    text = sent.content.decode()
    assert f'<form action="{ADD}"' in text
    assert "\n\nNew &quot;one&quot; &lt;b&gt;</textarea>" in text
    fresh = TOKEN.search(text)
    assert fresh
    again = browser.post(ADD, {**typed, "csrfmiddlewaretoken": fresh[1]}, headers=ORIGIN)
    assert again.status_code == 302
    assert User.objects.filter(email="new@contoso.example").exists()


@pytest.mark.parametrize(("headers", "form"), [
    ({}, {"email": "new@contoso.example"}),
    ({"Origin": "https://attacker.example"}, {"email": "new@contoso.example"}),
    (ORIGIN, {"secret": "hunter2"}),
    (ORIGIN, {"new_password1": "hunter2"}),
    (ORIGIN, {"next_token": "hunter2"}),
    (ORIGIN, {"private_key": "hunter2"}),
    (ORIGIN, {"Code": "hunter2"}),
    (ORIGIN, {"email": "x" * 600_000}),
    (ORIGIN, {"email": "new@contoso.example", "list": ContentFile("x", "people.csv")}),
])  # fmt: skip
def test_nothing_is_offered_that_another_site_may_have_sent_or_that_is_secret(
    browser: Client, old_token: str, headers: dict[str, str], form: dict[str, Any]
) -> None:
    sent = browser.post(ADD, {**form, "csrfmiddlewaretoken": old_token}, headers=headers)
    refused(sent)
    assert "textarea" not in sent.content.decode()
    assert not [value for value in form.values() if str(value) in sent.content.decode()]


def test_a_form_that_was_not_ours_is_told_from_one_of_before_the_sign_in(
    browser: Client, old_token: str
) -> None:
    row = refused(browser.post(ADD, {"csrfmiddlewaretoken": "a" * 64}, headers=ORIGIN))
    assert row.detail.startswith("token: of another cookie")
