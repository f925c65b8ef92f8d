"""The rehearsal's page: a file goes in, a forecast comes out, nothing stays."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from accounts.models import SignIn, User
from tests.support.admins import TID, browser_of, person, superuser

PAGE = "/admin/accounts/rehearsal/"
EXPORT = (
    "id,userPrincipalName,mail,displayName,userType,accountEnabled\n"
    ",cole@contoso.example,Cole@contoso.example,Cole,Member,True\n"
    ",new@contoso.example,new@contoso.example,<b>New</b>,Member,True\n"
    ",guest@contoso.example,guest@contoso.example,Gus,Guest,True\n"
)


@pytest.fixture
def browser(db: None) -> Client:
    person("cole@contoso.example")
    return browser_of(superuser())


def rehearse(browser: Client, content: bytes, **fields: str) -> str:
    file = SimpleUploadedFile("people.csv", content, content_type="text/csv")
    return browser.post(PAGE, {"file": file, **fields}).content.decode()


def test_it_says_who_would_get_in_and_why_not(browser: Client) -> None:
    page = rehearse(browser, EXPORT.encode())
    assert "Would get in: <strong>1</strong>" in page
    assert "No account here: <strong>1</strong>" in page
    assert "Guest account: <strong>1</strong>" in page
    assert "differs only by case" in page


def test_people_here_whom_nobody_becomes_are_named(browser: Client) -> None:
    assert "root@contoso.example" in rehearse(browser, EXPORT.encode()).split("without a match")[1]


def test_what_the_file_holds_is_escaped(browser: Client) -> None:
    assert "<b>New</b>" not in rehearse(browser, EXPORT.encode())


def test_nothing_is_kept(browser: Client) -> None:
    before = User.objects.count()
    rehearse(browser, EXPORT.encode())
    assert User.objects.count() == before
    assert SignIn.objects.count() == 0
    assert "new@contoso.example" not in browser.get(PAGE).content.decode()


@pytest.mark.parametrize(("content", "told"), [
    (b"colour\nred\n", "names neither a column mail nor userPrincipalName"),
    (b"\xff\xfe\xfa", "neither UTF-8 nor UTF-16"),
    (b"", "empty"),
])  # fmt: skip
def test_a_file_that_is_no_export_is_told_beside_it(
    browser: Client, content: bytes, told: str
) -> None:
    assert told in rehearse(browser, content)


def test_which_tenant_is_asked_where_several_are_allowed(
    browser: Client, settings: Settings
) -> None:
    other = "22222222-2222-4222-8222-222222222222"
    settings.MICROSOFT_ALLOWED_TENANTS = frozenset({TID, other})
    assert other in browser.get(PAGE).content.decode()
    assert "In all" in rehearse(browser, EXPORT.encode(), tenant=TID)
    assert "In all" not in rehearse(browser, EXPORT.encode())
