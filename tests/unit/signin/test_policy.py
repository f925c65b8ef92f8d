"""The policy as a table: every combination that matters, each a sentence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.entra.claims import Claims
from accounts.ids import CONSUMER_TENANT
from accounts.signin.policy import (
    Admit,
    Candidate,
    Decision,
    Refuse,
    Rules,
    decide,
    is_guest,
    same_email,
)

OURS = "11111111-1111-4111-8111-111111111111"
PARTNER = "22222222-2222-4222-8222-222222222222"
FOREIGN = "33333333-3333-4333-8333-333333333333"
OID = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
ISSUER = f"https://login.microsoftonline.com/{OURS}/v2.0"
ELSEWHERE = f"https://sts.windows.net/{FOREIGN}/"

ANNA = Claims(
    tid=OURS,
    oid=OID,
    sub="pairwise",
    issuer=ISSUER,
    email="anna@contoso.example",
    preferred_username="anna@contoso.example",
    name="Anna",
    idp=None,
    acct=None,
    email_verified=None,
    xms_edov=None,
)
ONE = Rules(tenants=frozenset({OURS}))
GUESTS = replace(ONE, allow_guests=True)
TWO = Rules(tenants=frozenset({OURS, PARTNER}), domains={OURS: frozenset({"contoso.example"})})
LISTED = replace(ONE, domains={OURS: frozenset({"contoso.example"})})

USER = Candidate(user_id=1, email="anna@contoso.example")
BOUND = replace(USER, identity=f"{OURS}:{OID}")
TAKEN = replace(USER, identity=f"{OURS}:bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb")
OTHER = Candidate(user_id=2, email="other@contoso.example")
QUOTED = '"anna@else.example"@contoso.example'  # RFC 5321 section 4.1.2: an @ in quotes


@dataclass(frozen=True)
class Row:
    sentence: str
    expected: Decision
    claims: Claims = ANNA
    rules: Rules = ONE
    people: tuple[Candidate, ...] = (USER,)


def anna(**changes: Any) -> Claims:
    return replace(ANNA, **changes)


def user(**changes: Any) -> tuple[Candidate, ...]:
    return (replace(USER, **changes),)


def bound(**changes: Any) -> tuple[Candidate, ...]:
    return (replace(BOUND, **changes),)


BIND, KNOWN = Admit(1, bind=True), Admit(1, bind=False)
MOVED = Admit(1, bind=False, note="email: now names another user here; the identity keeps its own")

# What operators read in the record, to the letter.
PERSONAL = Refuse("wrong_tenant", "tid: a personal Microsoft account")
UNLISTED = Refuse("wrong_tenant", "tid: not one of MICROSOFT_ALLOWED_TENANTS")
GUEST = Refuse("guest_not_allowed", "idp or acct: a guest of the tenant")
UNVERIFIED = Refuse("no_email", "email: declared unverified by email_verified or xms_edov")
NO_ADDRESS = Refuse("no_email", "email: neither email nor preferred_username")
NOT_OWNED = Refuse(
    "email_not_owned", "email: its domain is not among those listed for the person's tenant"
)
NOT_LISTED = Refuse("email_not_owned", "email: no domain is listed for the person's tenant")
UNKNOWN = Refuse("unknown_user", "email: no user has it")
SPACED = Refuse(
    "unknown_user", "email: no user has it: at Microsoft it begins or ends with a space"
)
WITHOUT = Refuse(
    "unknown_user",
    "email: no user has it: the token has no email claim, so preferred_username counted",
)
AMBIGUOUS = Refuse("ambiguous_email", "email: more than one user has it")
TWICE_BOUND = Refuse("identity_conflict", "identity: bound to more than one user")
CONFLICT = Refuse("identity_conflict", "identity: the user is bound to another one", user_id=1)
TENANT_MOVED = Refuse(
    "identity_conflict",
    f"identity: the user is bound in tenant {PARTNER}: has the organization moved to this one?",
    user_id=1,
    cause="tenant_moved",
)
CLIENT = "44444444-4444-4444-8444-444444444444"
BARE = replace(USER, identity=OID)
BARE_OTHER = replace(USER, identity="bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb")
EXPECTED = replace(USER, identity=f"sub:{CLIENT}:pairwise")
BY_OBJECT_ID = Admit(1, bind=False, note="identity: known by its object ID alone until now")
BY_SUB = Admit(1, bind=False, note="identity: known by its sub alone until now")


def conflict(detail: str) -> Refuse:
    return Refuse("identity_conflict", f"identity: {detail}", user_id=1)


WHICH_TENANT = conflict(
    "bound by its object ID alone, and several tenants are allowed:"
    " ./manage.py staff adopt --from allauth --tenant GUID"
)
INACTIVE = Refuse("user_inactive", "user: is_active is off", user_id=1)
NOT_STAFF = Refuse("user_not_staff", "user: is_staff is off", user_id=1)

TABLE = [
    # --- a first sign-in
    Row("a staff member with the same email is admitted and bound", BIND),
    Row("ASCII case does not matter", BIND, anna(email="ANNA@Contoso.Example")),
    Row("the user's own case does not matter", BIND, people=user(email="Anna@CONTOSO.example")),
    Row("nobody has the email", UNKNOWN, people=()),
    Row("only someone else is here", UNKNOWN, people=(OTHER,)),
    Row("two users share the email", AMBIGUOUS, people=(USER, replace(USER, user_id=2))),
    Row("two users differ in case only", AMBIGUOUS,
        people=(USER, replace(OTHER, email="ANNA@contoso.example"))),
    Row("the user is bound to another identity", CONFLICT, people=(TAKEN,)),
    Row("the user is bound in another tenant", TENANT_MOVED,
        people=(replace(USER, identity=f"{PARTNER}:{OID}"),)),
    Row("an inactive user", INACTIVE, people=user(is_active=False)),
    Row("a user who is not staff", NOT_STAFF, people=user(is_staff=False)),
    Row("inactive is said before not staff", INACTIVE,
        people=user(is_active=False, is_staff=False)),
    Row("a conflict is said before inactive", CONFLICT, people=(replace(TAKEN, is_active=False),)),
    # --- an identity that another package left
    Row("an object ID without a tenant is that person", BY_OBJECT_ID, people=(BARE,)),
    Row("whatever the address says", BY_OBJECT_ID, anna(email="else@contoso.example"),
        people=(BARE,)),
    Row("but not where several tenants are allowed", WHICH_TENANT, rules=TWO, people=(BARE,)),
    Row("nor as someone else whose address it is there", WHICH_TENANT,
        anna(email="other@contoso.example"), TWO, (BARE, OTHER)),
    Row("an impostor with the address of an object ID",
        conflict("the user is bound to another object ID, by allauth's own provider"),
        people=(BARE_OTHER,)),
    Row("someone of a personal account",
        conflict("the user is bound to another one, in a form that is not known"),
        people=(replace(USER, identity="48d31887fad3f5a5"),)),
    Row("a sub that is expected", BY_SUB, anna(client_id=CLIENT), people=(EXPECTED,)),
    Row("a client ID in capital letters", BY_SUB, anna(client_id=CLIENT.upper()),
        people=(EXPECTED,)),
    Row("an impostor with the address of an expected sub",
        conflict("the user is expected with another sub, adopted from another package"),
        anna(client_id=CLIENT, sub="mallory"), people=(EXPECTED,)),
    Row("the sub of another client ID",
        conflict(f"the user's sub was adopted for the client ID {CLIENT}, not this one"),
        anna(client_id=FOREIGN), people=(EXPECTED,)),
    Row("a whole identity counts before what is adopted", Admit(2, bind=False, note=MOVED.note),
        people=(BARE, replace(OTHER, identity=f"{OURS}:{OID}"))),
    Row("an object ID and a sub of two people", TWICE_BOUND, anna(client_id=CLIENT),
        people=(BARE, replace(OTHER, identity=EXPECTED.identity))),
    Row("who is adopted and inactive", INACTIVE, people=(replace(BARE, is_active=False),)),
    # --- which address counts
    Row("preferred_username counts when email is absent", BIND, anna(email=None)),
    Row("preferred_username counts when email is empty", BIND, anna(email="")),
    Row("preferred_username never overrides an email", UNKNOWN, anna(email="else@contoso.example")),
    Row("neither address", NO_ADDRESS, anna(email=None, preferred_username=None)),
    Row("both addresses empty", NO_ADDRESS, anna(email="", preferred_username="")),
    Row("a phone number as preferred_username", WITHOUT,
        anna(email=None, preferred_username="+44 20 7946 0000")),
    # --- look-alikes
    Row("a trailing space", SPACED, anna(email="anna@contoso.example ")),
    Row("a leading space", SPACED, anna(email=" anna@contoso.example")),
    Row("a dotless i for an i", UNKNOWN, anna(email="ıvan@contoso.example"),
        people=user(email="ivan@contoso.example")),
    Row("a Kelvin sign for a k", UNKNOWN, anna(email="\u212aate@contoso.example"),
        people=user(email="kate@contoso.example")),
    Row("a long s for an s", UNKNOWN, anna(email="\u017fam@contoso.example"),
        people=user(email="sam@contoso.example")),
    Row("sharp s for ss", UNKNOWN, anna(email="stra\u00dfe@contoso.example"),
        people=user(email="strasse@contoso.example")),
    Row("a Cyrillic a", UNKNOWN, anna(email="\u0430nna@contoso.example")),
    Row("full-width letters", UNKNOWN, anna(email="\uff41nna@contoso.example")),
    Row("composed against decomposed", UNKNOWN, anna(email="e\u0301a@contoso.example"),
        people=user(email="\u00e9a@contoso.example")),
    Row("capitals outside ASCII", UNKNOWN, anna(email="\u00c9a@contoso.example"),
        people=user(email="\u00e9a@contoso.example")),
    Row("an equal address outside ASCII", BIND, anna(email="\u00e9a@contoso.example"),
        people=user(email="\u00e9a@contoso.example")),
    Row("a plus tag", UNKNOWN, anna(email="anna+x@contoso.example")),
    Row("a subdomain", UNKNOWN, anna(email="anna@mail.contoso.example")),
    # --- the tenant
    Row("another tenant", UNLISTED, anna(tid=FOREIGN)),
    Row("another tenant, though bound", UNLISTED, anna(tid=FOREIGN),
        people=bound(identity=f"{FOREIGN}:{OID}")),
    Row("personal accounts", PERSONAL, anna(tid=CONSUMER_TENANT)),
    Row("personal accounts, though listed", PERSONAL, anna(tid=CONSUMER_TENANT),
        Rules(tenants=frozenset({CONSUMER_TENANT}))),
    Row("no tenant allowed", UNLISTED, rules=Rules(tenants=frozenset())),
    # --- guests
    Row("a guest by idp", GUEST, anna(idp=ELSEWHERE)),
    Row("a guest by acct", GUEST, anna(acct=1)),
    Row("a guest by both", GUEST, anna(idp=ELSEWHERE, acct=1)),
    Row("a guest by idp, though acct says member", GUEST, anna(idp=ELSEWHERE, acct=0)),
    Row("a member whose idp is the issuer", BIND, anna(idp=ISSUER, acct=0)),
    Row("a guest, where guests are allowed", BIND, anna(idp=ELSEWHERE, acct=1), GUESTS),
    Row("a bound guest, where guests are no longer allowed", GUEST, anna(acct=1), people=(BOUND,)),
    Row("a guest of another tenant stays out where guests are allowed", UNLISTED,
        anna(tid=FOREIGN, acct=1), GUESTS),
    # --- addresses declared unverified
    Row("email_verified is false", UNVERIFIED, anna(email_verified=False)),
    Row("xms_edov is false", UNVERIFIED, anna(xms_edov=False)),
    Row("email_verified true does not outweigh xms_edov false", UNVERIFIED,
        anna(email_verified=True, xms_edov=False)),
    Row("unverified, though bound", UNVERIFIED, anna(xms_edov=False), people=(BOUND,)),
    Row("an unverified preferred_username", UNVERIFIED, anna(email=None, email_verified=False)),
    Row("both declared verified", BIND, anna(email_verified=True, xms_edov=True)),
    # --- several tenants: nOAuth
    Row("two tenants, a domain the tenant owns", BIND, rules=TWO),
    Row("two tenants, the domain in another case", BIND, anna(email="anna@CONTOSO.example"), TWO),
    Row("two tenants, the partner claims our domain", NOT_LISTED, anna(tid=PARTNER), TWO),
    Row("two tenants, the partner's address verified by Microsoft", BIND,
        anna(tid=PARTNER, xms_edov=True), TWO),
    Row("two tenants, xms_edov without the email claim vouches for nothing", NOT_LISTED,
        anna(tid=PARTNER, email=None, preferred_username=ANNA.email, xms_edov=True), TWO),
    Row("two tenants, a subdomain of an owned domain", NOT_OWNED,
        anna(email="anna@x.contoso.example"), TWO),
    Row("two tenants, an owned domain as a suffix", NOT_OWNED,
        anna(email="anna@evilcontoso.example"), TWO),
    Row("two tenants, an owned domain before the last @", NOT_OWNED,
        anna(email="anna@contoso.example@evil.example"), TWO),
    Row("two tenants, an owned domain after the last @", BIND, anna(email=QUOTED), TWO,
        user(email=QUOTED)),
    Row("two tenants, no domain listed for the person's", NOT_LISTED, anna(),
        Rules(tenants=TWO.tenants, domains={PARTNER: frozenset({"partner.example"})})),
    Row("two tenants, no address with an @", NOT_OWNED,
        anna(email=None, preferred_username="contoso.example.evil"), TWO),
    Row("two tenants, known identities need no domain", KNOWN,
        anna(tid=PARTNER, email="anna@else.example"), TWO,
        bound(identity=f"{PARTNER}:{OID}")),
    Row("one tenant with a domain list keeps other domains out", NOT_OWNED,
        anna(email="anna@else.example"), LISTED, user(email="anna@else.example")),
    Row("one tenant with a domain list lets its own in", BIND, rules=LISTED),
    # --- a known identity
    Row("a known identity", KNOWN, people=(BOUND,)),
    Row("a known identity with another email", KNOWN, anna(email="new@contoso.example"),
        people=(BOUND,)),
    Row("a known identity without any email", KNOWN, anna(email=None, preferred_username=None),
        people=(BOUND,)),
    Row("a known identity whose email is now another user's stays itself", MOVED,
        anna(email="other@contoso.example"), people=(BOUND, OTHER)),
    Row("a known identity of an inactive user", INACTIVE, people=bound(is_active=False)),
    Row("a known identity of a user no longer staff", NOT_STAFF, people=bound(is_staff=False)),
    Row("an inactive known identity never falls back to an active namesake", INACTIVE,
        people=(replace(BOUND, is_active=False), replace(USER, user_id=2))),
    Row("one identity bound to two users", TWICE_BOUND, people=(BOUND, replace(BOUND, user_id=2))),
    Row("the same oid in another tenant is someone else",
        replace(TENANT_MOVED, detail=TENANT_MOVED.detail.replace(PARTNER, OURS)),
        anna(tid=PARTNER, xms_edov=True), TWO, (BOUND,)),
    Row("another oid with the email of a bound user", CONFLICT,
        anna(oid="cccccccc-cccc-4ccc-8ccc-cccccccccccc"), people=(BOUND,)),
]  # fmt: skip


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.sentence)
def test_policy(row: Row) -> None:
    assert decide(row.claims, row.rules, row.people) == row.expected


@given(st.text(), st.text())
def test_addresses_match_only_when_they_differ_in_nothing_but_ascii_case(a: str, b: str) -> None:
    lowered = [bytes(x, "utf-8", "surrogatepass").lower() for x in (a, b)]
    assert same_email(a, b) == (lowered[0] == lowered[1])


@given(st.sampled_from([None, 0, 1, 2]), st.sampled_from([None, "", ISSUER, ELSEWHERE]))
def test_guests_are_known_by_either_sign(acct: int | None, idp: str | None) -> None:
    expected = acct == 1 or idp == ELSEWHERE
    assert is_guest(anna(acct=acct, idp=idp)) is expected


tenants = st.sampled_from([OURS, PARTNER, FOREIGN, CONSUMER_TENANT])
emails = st.sampled_from([None, "", "anna@contoso.example", "other@contoso.example", "x"])
flags = st.sampled_from([None, True, False])
people = st.lists(
    st.builds(
        Candidate,
        user_id=st.integers(1, 3),
        email=st.sampled_from(["anna@contoso.example", "other@contoso.example"]),
        identity=st.sampled_from(["", f"{OURS}:{OID}", f"{PARTNER}:{OID}", "x:y"]),
        is_active=st.booleans(),
        is_staff=st.booleans(),
    ),
    max_size=3,
)


@given(tenants, emails, emails, flags, flags, people, st.sampled_from([ONE, TWO, GUESTS, LISTED]))
def test_nobody_is_admitted_whom_a_plain_reading_refuses(
    tid: str,
    email: str | None,
    name: str | None,
    verified: bool | None,
    edov: bool | None,
    here: list[Candidate],
    rules: Rules,
) -> None:
    claims = anna(
        tid=tid, email=email, preferred_username=name, email_verified=verified, xms_edov=edov
    )
    decision = decide(claims, rules, here)
    if isinstance(decision, Admit):
        assert tid in rules.tenants
        assert tid != CONSUMER_TENANT
        assert verified is not False
        assert edov is not False
        chosen = [p for p in here if p.user_id == decision.user_id]
        assert any(p.is_active and p.is_staff for p in chosen)
        wanted = "" if decision.bind else f"{tid}:{OID}"
        assert any(p.identity == wanted for p in chosen)
