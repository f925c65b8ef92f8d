"""Bring the identities that another sign-in package kept: nobody is matched by address again.

`plan` decides, for each person, from frozen values; `carry_out` writes, and overwrites nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from allauth.socialaccount.models import SocialAccount
from django.contrib.auth import get_user_model
from django.db.models import QuerySet

from .. import audit, registration, transaction
from ..conf import conf
from ..ids import is_guid
from ..reasons import Refused
from ..signin import bindings
from ..signin.identities import PROVIDER
from ..signin.policy import same_email
from ..users import email_of, where
from . import OperatorError, linking
from .other_packages import (
    PACKAGES,
    WITH_TABLES,
    WITHOUT_IDENTITIES,
    NoTable,
    StoredIdentity,
    client_ids_of_social_auth,
)

What = Literal["adopt", "expect", "adopted", "already", "conflict", "by address"]


@dataclass(frozen=True, slots=True)
class Person:
    """A user here: `bound` is the uid that counts, or ""; `bare` those without a tenant."""

    key: Any
    email: str
    username: str
    bound: str = ""
    bare: frozenset[str] = frozenset()

    @property
    def called(self) -> str:
        """By the address, or by the user name of who has none."""
        return self.email or self.username


@dataclass(frozen=True, slots=True)
class Terms:
    """What the operator vouches for: the tenant of object IDs, the client ID of subs, or ""."""

    tenants: frozenset[str]
    tenant: str = ""
    client_id: str = ""
    in_force: str = ""


@dataclass(frozen=True, slots=True)
class Planned:
    """What becomes of one person: `identity` is the uid they are to have."""

    key: Any
    email: str
    what: What
    identity: str = ""
    note: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Named:
    """What a kept row says under these terms: a uid, or why it says none."""

    uid: str = ""
    why_not: str = ""


# --- deciding ------------------------------------------------------------------------------------


def decide(
    people: Sequence[Person], kept: Iterable[StoredIdentity], taken: Mapping[str, Any], terms: Terms
) -> list[Planned]:
    """What becomes of each person; `taken` are the uids bound here and their users' keys.

    An object ID that is bound without its tenant is taken as well.
    """
    rows: defaultdict[Any, list[StoredIdentity]] = defaultdict(list)
    for row in kept:
        rows[row.user_id].append(row)
    planned = [_decide_one(person, rows[person.key], terms) for person in people]
    wanted: defaultdict[str, list[Planned]] = defaultdict(list)
    for each in planned:
        if each.what in ("adopt", "expect"):
            wanted[each.identity].append(each)
    emails = {person.key: person.called for person in people}
    return [_unless_taken(each, wanted[each.identity], taken, emails) for each in planned]


def _decide_one(person: Person, rows: Sequence[StoredIdentity], terms: Terms) -> Planned:
    named = [(row, _named(row, terms)) for row in rows]
    if any(name.uid for row, name in named if row.oid):  # surer than what a sub would say
        named = [(row, name) for row, name in named if not row.sub]
    uids = sorted({name.uid for _, name in named if name.uid})
    nobody = Planned(person.key, person.called, "conflict")
    if len(uids) > 1:
        return replace(nobody, note=f"has several identities: {', '.join(uids)}")
    if not uids:
        return _without_identity(person, named)
    row = next(row for row, name in named if name.uid)
    planned = replace(nobody, identity=uids[0], address=row.address)
    if person.bound == uids[0]:
        return replace(planned, what="already")
    others = {person.bound} if person.bound else person.bare - {row.oid}
    if others:
        note = f"is bound to {', '.join(sorted(others))} already, which stays"
        return replace(planned, note=note)
    note = ""
    if row.address and not same_email(row.address, person.email):
        note = f"Microsoft knew them as {row.address}"
    return replace(planned, what="expect" if row.sub else "adopt", note=note)


def _named(row: StoredIdentity, terms: Terms) -> Named:
    if row.unusable:
        return Named(why_not=row.unusable)
    if row.sub:
        if terms.in_force not in ("", terms.client_id):
            return Named(why_not=f"its sub is good for the client ID {terms.client_id} only")
        return Named(bindings.expected_sub(terms.client_id, row.sub))
    tid = row.tid or terms.tenant
    if tid not in terms.tenants:
        return Named(why_not=f"of the tenant {tid}, which is not allowed here")
    return Named(f"{tid}:{row.oid}")


def _without_identity(person: Person, named: Sequence[tuple[StoredIdentity, Named]]) -> Planned:
    planned = Planned(person.key, person.called, "by address")
    if person.bound:
        return replace(planned, what="already", identity=person.bound)
    why = "; ".join(dict.fromkeys(name.why_not for _, name in named))
    if any(row.blocks for row, _ in named):
        return replace(planned, what="conflict", note=f"{why}: ./manage.py staff unlink")
    if person.bare:
        note = "bound by an object ID alone: ./manage.py staff adopt --from allauth"
        return replace(planned, what="conflict", note=note)
    if "@" not in person.email:
        return replace(planned, what="conflict", note=_no_address(person, why))
    return replace(planned, note=why)


def _no_address(person: Person, why: str) -> str:
    hint = f", perhaps {person.username}" if "@" in person.username else ""
    return "; ".join(filter(None, [why, f"has no email address: give them one{hint}"]))


def _unless_taken(
    planned: Planned, rivals: Sequence[Planned], taken: Mapping[str, Any], emails: Mapping[Any, str]
) -> Planned:
    if planned.what not in ("adopt", "expect"):
        return planned
    alone = taken.get(bindings.read(planned.identity).oid, planned.key)
    owner = taken.get(planned.identity, alone)
    if owner != planned.key:
        note = f"the identity is bound to another user here, {emails.get(owner, owner)}"
        return replace(planned, what="conflict", note=note)
    if len(rivals) > 1:
        others = ", ".join(rival.email for rival in rivals if rival.key != planned.key)
        return replace(planned, what="conflict", note=f"the same identity as {others}")
    return planned


# --- reading and writing -------------------------------------------------------------------------


def plan(
    package: str, *, tenant: str = "", client_id: str = "", everyone: bool = False
) -> list[Planned]:
    """What would become of staff, or of everyone.

    Raises OperatorError, of which other_packages.NoTable is one.
    """
    kept = list(PACKAGES[package]())
    terms = _terms(package, kept, tenant, client_id)
    accounts = SocialAccount.objects.filter(provider=PROVIDER).values_list("uid", "user_id")
    bound = [(bindings.canonical(uid), uid, key) for uid, key in accounts]
    people = list(_people(bound, everyone=everyone))
    planned = decide(people, kept, {uid: key for uid, _, key in bound}, terms)
    return sorted(_with_double_addresses(planned, people), key=lambda each: each.email)


def summary(package: str, planned: Sequence[Planned]) -> str:
    """How many of each, and what to do next."""
    counts = Counter(each.what for each in planned)
    lines = [", ".join(f"{count} {what}" for what, count in sorted(counts.items())) or "Nobody."]
    bound = (bindings.read(each.identity) for each in planned)
    if tenants := sorted({one.tid for one in bound if one.tid}):
        lines.append(f"Object IDs of the tenant {', '.join(tenants)}.")
    if package in WITHOUT_IDENTITIES:
        lines.append(f"{package} keeps no identity: people are bound at their first sign-in.")
    if counts["by address"]:
        lines.append(
            "Whoever has the address at Microsoft first is bound. To be sure who that is, export"
            " the people of Entra: ./manage.py staff preview FILE --link."
        )
    if counts["adopt"] or counts["expect"]:
        lines.append("Nothing was written: the same with --yes writes it.")
    return "\n".join(lines)


def left_behind() -> Iterator[tuple[str, int]]:
    """Packages whose tables name staff by object ID who are bound to nothing here, and how many."""
    bound = SocialAccount.objects.filter(provider=PROVIDER).values("user")
    for package in WITH_TABLES:
        try:
            keys = {row.user_id for row in PACKAGES[package]() if row.oid}
        except NoTable:
            continue
        if count := _users(everyone=False).filter(pk__in=keys).exclude(pk__in=bound).count():
            yield package, count


def carry_out(package: str, planned: Iterable[Planned]) -> list[Planned]:
    """Bind what is planned, each person by itself; what has changed meanwhile is a conflict."""
    return [_carry_out_one(package, each) for each in planned]


def _carry_out_one(package: str, planned: Planned) -> Planned:
    if planned.what not in ("adopt", "expect"):
        return planned
    try:
        with transaction.atomic(), audit.context(note=f"adopted from {package}"):
            user = get_user_model()._default_manager.select_for_update().get(pk=planned.key)
            linking.adopt(user, planned.identity, planned.address)
    except linking.CannotLink as problem:
        return replace(planned, what="conflict", note=str(problem))
    return replace(planned, what="adopted")


def _terms(package: str, kept: Sequence[StoredIdentity], tenant: str, client_id: str) -> Terms:
    allowed = conf.MICROSOFT_ALLOWED_TENANTS
    tid = ""
    if any(row.oid and not row.tid for row in kept):
        tid = linking.tenant_of(tenant)
        if why := linking.why_not_of(tid, allowed):
            raise OperatorError(why)
    tenants = allowed or frozenset({tid or conf.MICROSOFT_TENANT_ID.lower()})
    if not any(row.sub for row in kept):
        return Terms(tenants, tid)
    return Terms(tenants, tid, _client_id(client_id), _client_id_in_force())


def _client_id(named: str) -> str:
    known = frozenset({named.lower()}) if named else client_ids_of_social_auth()
    if len(known) == 1 and is_guid(next(iter(known))):
        return next(iter(known))
    raise OperatorError(
        "python-social-auth kept subs, which are good for one client ID only: name that of the"
        " app registration it used, --client-id GUID."
    )


def _client_id_in_force() -> str:
    try:
        return registration.in_force().client_id.lower()
    except Refused:
        return ""


def _people(accounts: Iterable[tuple[str, str, Any]], *, everyone: bool) -> Iterator[Person]:
    """`accounts`: the uid as claims have it, as it is written, and whose it is."""
    bound: dict[Any, str] = {}
    bare: defaultdict[Any, set[str]] = defaultdict(set)
    for uid, written, key in accounts:
        if bindings.is_complete(written):
            bound[key] = uid
        elif is_guid(bindings.read(uid).oid):
            bare[key].add(bindings.read(uid).oid)
    for user in _users(everyone=everyone).iterator():
        has = frozenset(bare.get(user.pk, ()))
        yield Person(user.pk, email_of(user), user.get_username(), bound.get(user.pk, ""), has)


def _users(*, everyone: bool) -> QuerySet[Any]:
    people = get_user_model()._default_manager.order_by("pk")
    return people if everyone else where(people, is_staff=True)


def _with_double_addresses(planned: list[Planned], people: Iterable[Person]) -> list[Planned]:
    """Two who have one address are reported, where the address is to decide."""
    counted = Counter(person.email.lower() for person in people)
    return [
        replace(each, what="conflict", note="another user has the same address")
        if each.what == "by address" and counted[each.email.lower()] > 1
        else each
        for each in planned
    ]
