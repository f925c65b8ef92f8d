"""Whom another package knew, and who comes in here: by object ID or sub, never by address."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.db import IntegrityError

from accounts.entra.claims import Claims
from accounts.models import AuditEntry
from accounts.operate import linking
from accounts.operate.doctor.probes import people as probe
from accounts.reasons import Refused
from accounts.signin import bindings, flow
from accounts.signin.policy import Rules
from tests.support.admins import TID, person, superuser
from tests.support.doctoring import bad

if TYPE_CHECKING:
    from accounts.models import User

pytestmark = pytest.mark.django_db

ADA = "ada@contoso.example"
OID, OTHER, CLIENT, TENANT_TWO = (f"00000000-0000-4000-8000-00000000000{n}" for n in (1, 2, 3, 4))
PERSONAL = "48d31887fad3f5a5"
ONE = Rules(frozenset({TID}))
CLAIMS = Claims(
    tid=TID, oid=OID, sub="AbC-sub", issuer="", email=ADA, preferred_username=ADA, name="Ada",
    idp=None, acct=0, email_verified=None, xms_edov=None, client_id=CLIENT,
)  # fmt: skip
SUB = bindings.expected_sub(CLIENT, "AbC-sub")


def bind(user: User, *uids: str) -> None:
    for uid in uids:
        SocialAccount.objects.create(
            user=user, provider="microsoft", uid=uid, extra_data={"id": uid, "mail": ADA}
        )


def come_in(claims: Claims = CLAIMS, rules: Rules = ONE) -> Any:
    """The key of the user who is let in, or the refusal."""
    try:
        admission = flow.admit(claims, rules)
    except Refused as refused:
        return refused.reason.code
    flow.settle(admission, claims)
    return admission.user.pk


def bound() -> set[str]:
    return set(SocialAccount.objects.values_list("uid", flat=True))


@pytest.mark.parametrize("uid", [OID, SUB])
def test_the_one_who_was_known_is_known_and_named_whole_from_then_on(uid: str) -> None:
    ada = person(ADA)
    bind(ada, uid)
    moved = replace(CLAIMS, email="ada@fabrikam.example", preferred_username=None)
    assert come_in(moved) == ada.pk
    account = SocialAccount.objects.get()
    assert account.uid == f"{TID}:{OID}"
    assert set(account.extra_data) == {"tid", "oid", "email", "preferred_username", "name"}
    entry = AuditEntry.objects.filter(action="identity.linked").latest("at")
    said = entry.parts.get(role="subject").content
    assert (said["before"]["identity"], said["after"]["identity"]) == (uid, f"{TID}:{OID}")
    assert come_in() == ada.pk


@pytest.mark.parametrize("uid", [OID, SUB])
def test_an_impostor_with_the_address_is_not(uid: str) -> None:
    bind(person(ADA), uid)
    assert come_in(replace(CLAIMS, oid=OTHER, sub="mallory")) == "identity_conflict"
    assert bound() == {uid}


def test_an_object_id_alone_says_nothing_where_several_tenants_are_allowed() -> None:
    bind(person(ADA), OID)
    two = Rules(frozenset({TID, TENANT_TWO}), domains={TID: frozenset({"contoso.example"})})
    assert come_in(CLAIMS, two) == "identity_conflict"
    assert bound() == {OID}


def test_a_personal_account_beside_it_hides_nobody() -> None:
    ada = person(ADA)
    bind(ada, PERSONAL, OID)
    assert come_in() == ada.pk
    assert bound() == {PERSONAL, f"{TID}:{OID}"}
    assert linking.of_user(ada).oid == OID  # type: ignore[union-attr]


def test_what_is_left_beside_a_whole_identity_counts_for_nothing() -> None:
    ada = person(ADA)
    bind(ada, OTHER, f"{TID}:{OID}")
    assert come_in(replace(CLAIMS, oid=OTHER, sub="s")) == "identity_conflict"
    assert come_in(replace(CLAIMS, oid=OTHER, sub="s", email="new@contoso.example")) == (
        "unknown_user"
    )
    assert come_in() == ada.pk


def test_unlinking_takes_all_of_it() -> None:
    ada = person(ADA)
    bind(ada, OTHER, f"{TID}:{OID}")
    linking.unlink(ada, "a new account")
    assert bound() == set()


def test_two_at_once_complete_one_identity() -> None:
    """The second finds it completed, and is decided again."""
    ada = person(ADA)
    bind(ada, OID)
    first, second = flow.admit(CLAIMS, ONE), flow.admit(CLAIMS, ONE)
    flow.settle(first, CLAIMS)
    with pytest.raises(IntegrityError):
        flow.settle(second, CLAIMS)
    assert come_in() == ada.pk


def test_an_object_id_entered_for_someone_of_stock_allauth_adds_the_tenant() -> None:
    ada = person(ADA)
    bind(ada, OID)
    assert linking.bind_ahead(ada, TID, OID)
    assert bound() == {f"{TID}:{OID}"}


@pytest.mark.parametrize(
    ("uid", "tenants", "found"),
    [
        (OID, {TID}, set()),
        (OID, {TID, TENANT_TWO}, {"people.without_tenant"}),
        (PERSONAL, {TID}, {"people.old_identities"}),
    ],
)
def test_doctor_names_only_what_keeps_staff_out(
    uid: str, tenants: set[str], found: set[str], settings: Any
) -> None:
    settings.MICROSOFT_ALLOWED_TENANTS = frozenset(tenants)
    bind(superuser(ADA), uid)
    bind(person("customer@contoso.example", is_staff=False), OTHER, "0123456789abcdef")
    assert bad(probe.run()) == found
