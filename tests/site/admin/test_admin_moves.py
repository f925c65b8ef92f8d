"""People who moved, as a page: previewed by line, written whole or not at all, by superusers."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone, translation

from accounts.admin import advice
from accounts.admin.front_page import notices
from accounts.models import AuditEntry, SignIn, User
from accounts.operate import moved_tenant
from accounts.operate.audit_log import as_values
from accounts.operate.doctor.probes import people as probe
from accounts.signin.identities import accounts_of
from accounts.signin.policy import BOUND_ELSEWHERE
from tests.support.admins import TID, browser_of, person, sign_in, superuser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.test import Client
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

PAGE = "/admin/accounts/moves/"
FORMER = "99999999-9999-4999-8999-999999999999"
OID, NEW = (f"aaaaaaaa-0000-4000-8000-00000000000{n}" for n in (1, 2))
EVERY_RIGHT = (
    *(f"accounts.{verb}_user" for verb in ("view", "add", "change", "delete")),
    "accounts.view_signin", "accounts.end_sessions", "auth.change_group", "auth.add_group",
)  # fmt: skip


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    with translation.override("en"):
        yield


@pytest.fixture
def browser() -> Client:
    return browser_of(superuser())


@pytest.fixture
def ann() -> User:
    user = person("ann@old.example", name="Ann Archer")
    kept = {"name": "Ann Archer", "email": user.email}
    SocialAccount.objects.create(
        user=user, provider="microsoft", uid=f"{FORMER}:{OID}", extra_data=kept
    )
    return user


def uid_of(user: User) -> str:
    return str(accounts_of(user).get().uid)


def previewed(browser: Client, mapping: str, **more: Any) -> Any:
    return browser.post(PAGE, {"mapping": mapping, **more})


def written(browser: Client, mapping: str, **more: Any) -> str:
    """Looked at, then confirmed."""
    digest = previewed(browser, mapping, **more).context["digest"]
    asked = {"mapping": mapping, "confirmed": digest, "reason": "merger"} | more
    return str(browser.post(PAGE, asked, follow=True).content.decode())


def test_each_line_says_what_it_would_do_and_nothing_is_written(browser: Client, ann: User) -> None:
    person("bob@old.example")
    text = (
        f"old,new\nann@old.example,{NEW}\nbob@old.example,bob@new.example\n"
        "zoe@old.example,zoe@new.example"
    )
    page = previewed(browser, text)
    assert [(one.line, one.what) for one, _title, _url in page.context["planned"]] == [
        (4, "not here"), (2, "link"), (3, "address"),
    ]  # fmt: skip
    shown = page.content.decode()
    assert f"{FORMER}:{OID}" in shown
    assert f"{TID}:{NEW}" in shown
    assert "1 line cannot be done" in shown
    assert uid_of(ann) == f"{FORMER}:{OID}"
    assert User.objects.filter(email="bob@old.example").exists()


def test_one_confirmation_writes_all_of_it_and_signs_them_out(browser: Client, ann: User) -> None:
    person("bob@old.example")
    theirs = browser_of(ann)
    text = f"ann@old.example,{NEW}\nbob@old.example,bob@new.example"
    assert "Linked and signed out: 1. New addresses: 1." in written(browser, text)
    assert uid_of(ann) == f"{TID}:{NEW}"
    assert User.objects.filter(email="bob@new.example").exists()
    assert theirs.get("/admin/").status_code == 302
    told = [as_values(entry) for entry in AuditEntry.objects.all()]
    assert {(one["action"], one["who"]) for one in told if one["note"] == "merger"} >= {
        ("identity.linked", "root@contoso.example"),
        ("person.address_changed", "root@contoso.example"),
    }


def test_a_file_goes_into_the_box_where_it_can_be_corrected(browser: Client, ann: User) -> None:
    raw = f"\ufeffold;new\r\nann@old.example;{NEW}\r\n".encode("utf-16")
    page = browser.post(PAGE, {"file": SimpleUploadedFile("moved.csv", raw)})
    assert [one.what for one, *_ in page.context["planned"]] == ["link"]
    assert f"ann@old.example;{NEW}" in page.content.decode().split("<textarea")[1]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"confirmed": "another", "reason": "x"}, "not what you were shown"),
        ({"confirmed": "another"}, "Say why it is done."),
        ({"confirmed": "another", "reason": "  "}, "Say why it is done."),
        ({}, "nothing has been written yet"),
    ],
)
def test_without_what_it_needs_nothing_is_written(
    browser: Client, ann: User, more: dict[str, str], told: str
) -> None:
    assert told in previewed(browser, f"ann@old.example,{NEW}", **more).content.decode()
    assert uid_of(ann) == f"{FORMER}:{OID}"


def test_what_has_changed_since_the_preview_is_shown_anew(browser: Client, ann: User) -> None:
    text = f"ann@old.example,{NEW}"
    digest = previewed(browser, text).context["digest"]
    accounts_of(ann).update(uid=f"{FORMER}:{TID}")
    page = previewed(browser, text, confirmed=digest, reason="x").content.decode()
    assert "not what you were shown" in page
    assert uid_of(ann) == f"{FORMER}:{TID}"


@pytest.mark.parametrize(
    ("mapping", "told"),
    [
        ("", "There is nothing in it"),
        ("ann@old.example,ann", "neither an address nor an object ID"),
        (f"ann@old.example,{FORMER}:{NEW}", "not one of MICROSOFT_ALLOWED_TENANTS"),
        (f"ann@old.example,{NEW}\nann@old.example,{NEW}", "keep one of them"),
        ("ann@old.example,root@contoso.example", "another user&#x27;s address"),
        ("ann@old.example,x@new.example\nx@new.example,y@new.example", "second file"),
        (f"ann@old.example,{'a' * 3000}@new.example", "Line 1 is too long"),
        ("ann@old.example" + " " * 5000 + "->x@new.example", "Line 1 is too long"),
        ("a@x.example,b@x.example\n" * 5001, "at most 5000 go at once"),
        ("ann@old.example,\u202ennA@new.example", "invisible character"),
        ("ann@old.example,<script>@new.example", "is no email address"),
    ],
)
def test_what_cannot_be_done_is_refused_with_its_reason(
    browser: Client, ann: User, mapping: str, told: str
) -> None:
    page = previewed(browser, mapping)
    assert told in page.content.decode()
    assert "<script>@" not in page.content.decode()
    assert not page.context["writes"]
    digest = page.context["digest"]
    previewed(browser, mapping, confirmed=digest, reason="x", skip="on")
    assert uid_of(ann) == f"{FORMER}:{OID}"
    ann.refresh_from_db()
    assert ann.email == "ann@old.example"


@pytest.mark.parametrize("raw", [b"\xff\xfe\xfa", b"a" * (1024 * 1024 + 1)])
def test_a_file_that_is_none_is_refused_beside_it(browser: Client, raw: bytes) -> None:
    page = browser.post(PAGE, {"file": SimpleUploadedFile("moved.csv", raw)})
    assert page.context["form"].errors["file"]


def test_a_line_a_thousand_times_stays_a_short_page(browser: Client, ann: User) -> None:
    page = previewed(browser, f"ann@old.example,{NEW}\n" * 2000)
    assert len(page.content) < 400_000


@pytest.mark.parametrize("old", ["root@contoso.example", "helper@contoso.example"])
def test_nobody_below_a_superuser_moves_anyone(ann: User, old: str) -> None:
    root = superuser()
    helper = person("helper@contoso.example", *EVERY_RIGHT)
    desk = browser_of(helper)
    digest = previewed(browser_of(root), f"{old},{NEW}").context["digest"]
    assert desk.get(PAGE).status_code == 403
    asked = {"mapping": f"{old},{NEW}", "confirmed": digest, "reason": "x"}
    assert desk.post(PAGE, asked).status_code == 403
    assert not SocialAccount.objects.filter(uid__endswith=NEW).exists()
    assert "People who moved" not in desk.get("/admin/accounts/user/").content.decode()


def test_superusers_in_the_file_are_pointed_out(browser: Client) -> None:
    page = previewed(browser, f"root@contoso.example,{NEW}").content.decode()
    assert "A superuser: be sure that it is the same person." in page


def test_it_asks_for_a_fresh_sign_in(browser: Client, ann: User, settings: Settings) -> None:
    digest = previewed(browser, f"ann@old.example,{NEW}").context["digest"]
    settings.STEP_UP = "login"
    session = browser.session
    session["signed_in_at"] = (timezone.now() - timedelta(hours=1)).isoformat()
    session.save()
    asked = {"mapping": f"ann@old.example,{NEW}", "confirmed": digest, "reason": "x"}
    assert browser.post(PAGE, asked).status_code == 403
    assert uid_of(ann) == f"{FORMER}:{OID}"


def test_the_preview_is_a_spreadsheet_without_formulas_and_audited(browser: Client) -> None:
    text = "=cmd()@x.example,+1@y.example"
    answer = previewed(browser, text, csv="1")
    rows = b"".join(answer.streaming_content).decode()
    assert "'=cmd()@x.example,'+1@y.example" in rows
    assert AuditEntry.objects.filter(action="export.people").exists()


@pytest.mark.parametrize("tenants", [{TID, FORMER}, {"contoso.example"}])
def test_which_tenant_is_asked_where_it_is_not_certain(
    browser: Client, ann: User, settings: Settings, tenants: set[str]
) -> None:
    settings.MICROSOFT_ALLOWED_TENANTS = frozenset(tenants)
    page = previewed(browser, f"ann@old.example,{NEW}")
    assert "Enter the ID of the tenant" in page.content.decode()
    assert "--tenant" not in page.content.decode()
    assert previewed(browser, f"ann@old.example,{NEW}", tenant=TID).context["writes"] == 1


# --- a whole tenant ------------------------------------------------------------------------------


def refused(user: User, **more: Any) -> SignIn:
    facts: dict[str, Any] = {
        "email": user.email, "claimed_name": user.name, "tid": TID, "oid": NEW,
        "detail": f"{BOUND_ELSEWHERE}{FORMER}: has the organization moved to this one?",
    }  # fmt: skip
    return sign_in(reason="identity_conflict", user=user, **facts | more)


def test_record_front_page_and_doctor_say_that_the_organization_moved(
    browser: Client, ann: User
) -> None:
    row = refused(ann)
    record = browser.get(f"/admin/accounts/signin/{row.pk}/change/").content.decode()
    assert "Account here is linked to another organization" in record
    assert "open People who moved" in record
    assert "1 person was refused lately" in browser.get("/admin/").content.decode()
    found = {each.id: each for each in probe.run()}
    assert f"{FORMER} -&gt; {TID}" in found["people.moved"].facts["tenants"].replace(">", "&gt;")


def test_those_refused_are_in_the_box_and_linked_by_one_confirmation(
    browser: Client, ann: User
) -> None:
    refused(ann)
    page = browser.get(f"{PAGE}?refused=1")
    mapping = page.context["form"]["mapping"].value()
    assert mapping == f"{FORMER}:{OID},{TID}:{NEW}"
    written(browser, mapping)
    assert uid_of(ann) == f"{TID}:{NEW}"
    assert not moved_tenant.refused()
    assert not list(notices.of_moved_tenant())


@pytest.mark.parametrize(
    ("more", "listed"),
    [
        ({}, 1),
        ({"claimed_name": "Eve Mallory"}, 0),
        ({"claimed_name": ""}, 0),
        ({"email": "eve@old.example"}, 0),
    ],
)
def test_only_who_has_the_same_name_and_address_is_filled_in(
    browser: Client, ann: User, more: dict[str, str], listed: int
) -> None:
    refused(ann, **more)
    page = browser.get(f"{PAGE}?refused=1")
    assert len(page.context["form"]["mapping"].value().splitlines()) == listed
    assert ("1 other person was refused" in page.content.decode()) == (not listed)


def test_whom_two_claim_to_be_is_left_to_a_comparison(ann: User) -> None:
    refused(ann)
    refused(ann, oid=OID)
    assert not moved_tenant.refused()


def test_a_stranger_of_the_same_tenant_is_no_move(ann: User) -> None:
    row = refused(ann, detail="identity: the user is bound to another one")
    assert not moved_tenant.refused()
    assert advice.title_for(row) == "Email address is linked to another Microsoft identity"
