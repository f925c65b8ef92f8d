"""The rehearsal's page: a file goes in, a forecast comes out, nothing stays."""

from datetime import timedelta
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuditEntry, SignIn, User
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


def test_what_the_file_holds_is_escaped_and_shown_as_it_is(browser: Client) -> None:
    """Guests choose their own display names."""
    page = rehearse(browser, EXPORT.replace("Gus", "\u202eGus").encode())
    assert "<b>New</b>" not in page
    assert "[U+202E]Gus" in page


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


@pytest.mark.django_db
def test_those_without_an_account_are_added_from_the_same_page() -> None:
    browser = browser_of(superuser())
    answer = _rehearsed(browser, b"mail,displayName\nnew@contoso.example,=Ada\n")
    page = answer.content.decode()
    assert 'action="/admin/accounts/user/add-several/"' in page
    assert "userType: who is a guest" in page
    shown = browser.post("/admin/accounts/user/add-several/", {"people": answer.context["absent"]})
    assert [one.email for one in shown.context["preview"]] == ["new@contoso.example"]


@pytest.mark.django_db
def test_their_object_ids_are_linked_and_stay_in_the_box_with_what_cannot_be_added() -> None:
    browser, page = browser_of(superuser()), "/admin/accounts/user/add-several/"
    known, new = (f"00000000-0000-4000-8000-00000000000{n}" for n in (1, 2))
    bound = person("bound@contoso.example")
    SocialAccount.objects.create(user=bound, provider="microsoft", uid=f"{TID}:{known}")
    file = f"id,mail,displayName\n{new},new@contoso.example,Ada\n".encode()
    pasted = _rehearsed(browser, file).context["absent"]
    pasted += f"other@contoso.example,Bob,{known},\n"
    seen = browser.post(page, {"people": pasted})
    assert [one.what for one in seen.context["preview"]] == ["added", "invalid"]
    done = browser.post(page, {"people": pasted, "confirmed": seen.context["digest"]})
    assert SocialAccount.objects.get(uid=f"{TID}:{new}").user.email == "new@contoso.example"
    assert not User.objects.filter(email="other@contoso.example").exists()
    assert "linked to another user here" in done.content.decode()
    left = done.context["form"].initial["people"]
    assert left == f"email,name,id,tenant\nother@contoso.example,Bob,{known},"


@pytest.mark.django_db
def test_only_who_may_add_people_is_offered_to() -> None:
    reader = person("reader@contoso.example", "accounts.view_user")
    assert _rehearsed(browser_of(reader), b"mail\nnew@contoso.example\n").context["absent"] == ""


@pytest.mark.django_db
def test_people_here_are_links() -> None:
    known = person("known@contoso.example")
    page = _rehearsed(browser_of(superuser()), b"mail\nknown@contoso.example\n").content.decode()
    assert f"/admin/accounts/user/{known.pk}/change/" in page


@pytest.mark.django_db
def test_the_result_is_a_spreadsheet_without_formulas_and_audited() -> None:
    answer = _rehearsed(
        browser_of(superuser()), b"mail,displayName\nnew@contoso.example,=cmd()\n", csv="1"
    )
    text = b"".join(answer.streaming_content).decode()
    assert "'=cmd()" in text
    assert "unknown_user" in text
    assert AuditEntry.objects.filter(action="export.people").exists()


@pytest.mark.django_db
def test_the_sign_in_name_that_fits_a_user_is_a_hint() -> None:
    person("upn@contoso.example")
    file = b"userPrincipalName,mail\nupn@contoso.example,mail@contoso.example\n"
    page = _rehearsed(browser_of(superuser()), file).content.decode()
    assert "Microsoft sends the mail" in page


def _rehearsed(browser: Any, content: bytes, **more: str) -> Any:
    file = SimpleUploadedFile("people.csv", content, "text/csv")
    return browser.post(PAGE, {"file": file, **more})


def test_to_link_or_to_export_asks_for_a_fresh_sign_in(browser: Client, settings: Settings) -> None:
    settings.STEP_UP = "login"
    session = browser.session
    session["signed_in_at"] = (timezone.now() - timedelta(hours=1)).isoformat()
    session.save()
    content = EXPORT.replace(",cole@", f"{TID},cole@").encode()
    assert "Would get in" in rehearse(browser, content)
    for sent in ({"link": "on"}, {"csv": "1"}):
        assert "Would get in" not in rehearse(browser, content, **sent)
    assert not SocialAccount.objects.exists()
    assert not AuditEntry.objects.filter(action="export.people").exists()
