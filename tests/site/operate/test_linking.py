"""Object IDs entered beforehand: only that person comes in, whoever has the address."""

import logging
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import TestCase

from accounts import audit
from accounts.admin.people.add_several import digest
from accounts.entra.claims import Claims
from accounts.models import User
from accounts.operate import linking, people
from accounts.reasons import Refused
from accounts.signin import flow, identities
from accounts.signin.policy import Rules
from tests.support.admins import TID, browser_of, person, superuser
from tests.support.operators import fail, run_json

pytestmark = pytest.mark.django_db

ADA = "ada@contoso.example"
OID, OTHER = (f"00000000-0000-4000-8000-00000000000{n}" for n in (1, 2))
RULES = Rules(frozenset({TID}))
BY_OID = Rules(frozenset({TID}), superusers_by_oid=True)


def claims(oid: str = OID, email: str = ADA) -> Claims:
    return Claims(
        tid=TID, oid=oid, sub=oid, issuer="", email=email, preferred_username=None, name="Ada",
        idp=None, acct=0, email_verified=None, xms_edov=None,
    )  # fmt: skip


def code_of(rules: Rules, given: Claims) -> str:
    try:
        flow.admit(given, rules)
    except Refused as refused:
        return refused.reason.code
    return "admitted"


def bound() -> list[str]:
    return list(SocialAccount.objects.values_list("uid", flat=True))


def test_one_person_is_linked_when_added() -> None:
    run_json("staff", "add", ADA, "--superuser", "--oid", OID.upper())
    assert bound() == [f"{TID}:{OID}"]
    assert code_of(RULES, claims()) == "admitted"
    assert code_of(RULES, claims(OTHER)) == "identity_conflict"


@pytest.mark.parametrize("column", ["id", "objectId", "Object ID", "oid", "Azure AD Object Id"])
def test_a_table_has_a_column_for_it(column: str) -> None:
    lines = [f"mail,{column}", f"{ADA},{OID}", "eve@contoso.example,"]
    assert [r.what for r in people.add_many(lines)] == ["added", "added"]
    assert bound() == [f"{TID}:{OID}"]


@pytest.mark.parametrize(
    ("oid", "why"), [("nonsense", "is no GUID"), (OTHER, "linked to another user")]
)
def test_what_cannot_be_linked_adds_nobody(oid: str, why: str) -> None:
    people.add("eve@contoso.example", oid=OTHER)
    failed = fail("staff", "add", ADA, "--oid", oid)
    assert why in failed.out + failed.error
    assert not User.objects.filter(email=ADA).exists()


def test_one_who_is_bound_already_stays_so() -> None:
    people.add(ADA, oid=OID)
    assert people.add(ADA, oid=OID).note == "object ID was linked already"
    assert "Unlink it first" in people.add(ADA, oid=OTHER).note
    assert bound() == [f"{TID}:{OID}"]


def test_several_tenants_must_be_told_apart(settings: Any) -> None:
    second = TID.replace("1", "2")
    settings.MICROSOFT_ALLOWED_TENANTS = frozenset({TID, second})
    assert "column titled tenant" in people.add(ADA, oid=OID).note
    people.add(ADA, oid=OID, tenant=second)
    assert "Unlink it first" in people.add(ADA, oid=OID, tenant=TID).note
    assert bound() == [f"{second}:{OID}"]
    assert "not one of" in people.add("eve@contoso.example", oid=OTHER, tenant=OTHER).note


@pytest.mark.parametrize("who", ["superuser", "helper"])
def test_only_superusers_link_those_who_are_here(who: str) -> None:
    person(ADA)
    rights = ("accounts.add_user", "accounts.change_user")
    by = superuser() if who == "superuser" else person("helper@contoso.example", *rights)
    pasted = f"mail,id\n{ADA},{OID}"
    seen = digest(pasted.splitlines())
    browser_of(by).post("/admin/accounts/user/add-several/", {"people": pasted, "confirmed": seen})
    assert bool(bound()) == (who == "superuser")


def test_a_superusers_first_sign_in_may_need_it() -> None:
    user = person(ADA, is_superuser=True)
    assert code_of(RULES, claims()) == "admitted"
    assert code_of(BY_OID, claims()) == "identity_conflict"
    linking.bind_ahead(user, TID, OID)
    assert code_of(BY_OID, claims()) == "admitted"
    person("bob@contoso.example")
    assert code_of(BY_OID, claims(OTHER, "bob@contoso.example")) == "admitted"


def test_a_superusers_binding_by_email_is_a_warning_and_on_the_front_page(
    caplog: pytest.LogCaptureFixture, client: Any
) -> None:
    root, user = superuser(), person(ADA, is_superuser=True)
    linking.bind_ahead(root, TID, OTHER)
    front = browser_of(root)
    assert ADA in front.get("/admin/").content.decode()
    assert list(linking.unbound_superusers()) == [user]
    visitor = audit.context(who=lambda: audit.Actor("visitor"))
    with TestCase.captureOnCommitCallbacks(execute=True), visitor:
        identities.bind(user, claims())
    [line] = [r for r in caplog.records if getattr(r, "event", "") == "superuser_bound"]
    assert line.levelno == logging.WARNING
    page = front.get("/admin/").content.decode()
    assert "for the first time" in page
    assert OID in page
    assert not linking.unbound_superusers().exists()
