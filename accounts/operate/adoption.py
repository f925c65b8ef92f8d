"""Take over the identities that another sign-in package stored, instead of matching by address.

`plan` decides for each person; `carry_out_one` writes, and overwrites nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from allauth.socialaccount.models import SocialAccount
from django.contrib.auth import get_user_model
from django.db.models import QuerySet

from .. import audit, registration
from ..conf import conf
from ..ids import is_guid
from ..signin import bindings
from ..signin.identities import PROVIDER
from ..signin.policy import same_email
from ..stores import transaction
from ..users import email_of, with_flags
from . import OperatorError, linking
from .other_packages import (
    PACKAGES,
    WITH_TABLES,
    WITHOUT_IDENTITIES,
    NoTable,
    StoredIdentity,
    client_ids_of_social_auth,
)

Outcome = Literal["adopt", "expect", "adopted", "already", "conflict", "by address"]


@dataclass(frozen=True, slots=True)
class Person:
    """A user of this site; `bound` is their complete uid, `without_tenant` bare object IDs."""

    key: Any
    email: str
    username: str
    bound: str = ""
    without_tenant: frozenset[str] = frozenset()

    @property
    def display_name(self) -> str:
        """The address, or the user name of who has none."""
        return self.email or self.username


@dataclass(frozen=True, slots=True)
class Terms:
    """The tenant of stored object IDs and the client ID of stored subs, or "".

    `in_force` is the client ID of the app in force.
    """

    tenants: frozenset[str]
    tenant: str = ""
    client_id: str = ""
    in_force: str = ""


@dataclass(frozen=True, slots=True)
class Planned:
    """The outcome for one person; `identity` is the uid to bind."""

    key: Any
    email: str
    what: Outcome
    identity: str = ""
    note: str = ""
    address: str = ""


# --- deciding ------------------------------------------------------------------------------------


def decide(
    people: Sequence[Person],
    stored: Iterable[StoredIdentity],
    taken: Mapping[str, Any],
    terms: Terms,
) -> list[Planned]:
    """The outcome for each person; `taken` are the uids bound here and their users' keys.

    An object ID that is bound without its tenant is taken as well.
    """
    rows: defaultdict[Any, list[StoredIdentity]] = defaultdict(list)
    for row in stored:
        rows[row.user_id].append(row)
    planned = [_decide_one(person, rows[person.key], terms) for person in people]
    claimed: defaultdict[str, list[Planned]] = defaultdict(list)
    for one in planned:
        if one.what in ("adopt", "expect"):
            claimed[one.identity].append(one)
    names = {person.key: person.display_name for person in people}
    addresses = Counter(person.email.lower() for person in people)
    return [_unless_taken(row, claimed[row.identity], taken, names, addresses) for row in planned]


def _decide_one(person: Person, stored: Sequence[StoredIdentity], terms: Terms) -> Planned:
    rows = [_resolved(row, terms) for row in stored]
    if any(row.uid and row.oid for row in rows):  # an object ID counts before a sub
        rows = [row for row in rows if not row.sub]
    uids = sorted({row.uid for row in rows if row.uid})
    conflict = Planned(person.key, person.display_name, "conflict")
    if len(uids) > 1:
        return replace(conflict, note=f"has several identities: {', '.join(uids)}")
    if not uids:
        return _without_identity(person, rows)
    row = next(row for row in rows if row.uid)
    planned = replace(conflict, identity=uids[0], address=row.address)
    if person.bound == uids[0]:
        return replace(planned, what="already")
    others = {person.bound} if person.bound else person.without_tenant - {row.oid}
    if others:
        note = f"is bound to {', '.join(sorted(others))} already, which stays"
        return replace(planned, note=note)
    note = ""
    if row.address and not same_email(row.address, person.email):
        note = f"Microsoft knew them as {row.address}"
    return replace(planned, what="expect" if row.sub else "adopt", note=note)


def _resolved(row: StoredIdentity, terms: Terms) -> StoredIdentity:
    """With the uid to bind under these terms, or why there is none."""
    tid = row.tid or terms.tenant
    if row.unusable:
        return row
    if row.sub and terms.in_force not in ("", terms.client_id):
        why_not = f"its sub is good for the client ID {terms.client_id} only"
        return replace(row, unusable=why_not)
    if row.sub:
        return replace(row, uid=bindings.expected_sub(terms.client_id, row.sub))
    if tid not in terms.tenants:
        return replace(row, unusable=f"of the tenant {tid}, which is not allowed here")
    return replace(row, uid=f"{tid}:{row.oid}")


def _without_identity(person: Person, rows: Sequence[StoredIdentity]) -> Planned:
    planned = Planned(person.key, person.display_name, "by address")
    if person.bound:
        return replace(planned, what="already", identity=person.bound)
    why = "; ".join(dict.fromkeys(row.unusable for row in rows))
    if any(row.blocks for row in rows):
        return replace(planned, what="conflict", note=f"{why}: ./manage.py staff unlink")
    if person.without_tenant:
        note = "bound by an object ID alone: ./manage.py staff adopt --from allauth"
        return replace(planned, what="conflict", note=note)
    if "@" not in person.email:
        hint = f", perhaps {person.username}" if "@" in person.username else ""
        notes = filter(None, [why, f"has no email address: give them one{hint}"])
        return replace(planned, what="conflict", note="; ".join(notes))
    return replace(planned, note=why)


def _unless_taken(
    planned: Planned,
    claimants: Sequence[Planned],
    taken: Mapping[str, Any],
    names: Mapping[Any, str],
    addresses: Mapping[str, int],
) -> Planned:
    note = ""
    if planned.what == "by address" and addresses[planned.email.lower()] > 1:
        note = "another user has the same address"
    if planned.what in ("adopt", "expect"):
        alone = taken.get(bindings.read(planned.identity).oid, planned.key)
        owner = taken.get(planned.identity, alone)
        if owner != planned.key:
            note = f"the identity is bound to another user here, {names.get(owner, owner)}"
        elif len(claimants) > 1:
            others = ", ".join(one.email for one in claimants if one.key != planned.key)
            note = f"the same identity as {others}"
    return replace(planned, what="conflict", note=note) if note else planned


# --- reading and writing -------------------------------------------------------------------------


def plan(
    package: str, *, tenant: str = "", client_id: str = "", everyone: bool = False
) -> list[Planned]:
    """The outcome for each staff member, or for every user. Raises OperatorError."""
    stored = list(PACKAGES[package]())
    terms = _terms(package, stored, tenant, client_id)
    accounts = SocialAccount.objects.filter(provider=PROVIDER).values_list("uid", "user_id")
    bound = [(bindings.canonical(uid), uid, key) for uid, key in accounts]
    people = list(_people(bound, everyone=everyone))
    planned = decide(people, stored, {uid: key for uid, _, key in bound}, terms)
    return sorted(planned, key=lambda row: row.email)


def summary(package: str, planned: Sequence[Planned]) -> str:
    """How many of each, and what to do next."""
    counts = Counter(row.what for row in planned)
    lines = [", ".join(f"{count} {what}" for what, count in sorted(counts.items())) or "Nobody."]
    bound = (bindings.read(row.identity) for row in planned)
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
    """Packages whose tables have object IDs of staff without an identity here, and how many."""
    bound = SocialAccount.objects.filter(provider=PROVIDER).values("user")
    for package in WITH_TABLES:
        try:
            keys = {row.user_id for row in PACKAGES[package]() if row.oid}
        except NoTable:
            continue
        if count := _users(everyone=False).filter(pk__in=keys).exclude(pk__in=bound).count():
            yield package, count


def carry_out_one(package: str, planned: Planned) -> Planned:
    """Bind one person as planned; what has changed meanwhile is a conflict."""
    if planned.what not in ("adopt", "expect"):
        return planned
    try:
        with transaction.atomic(), audit.context(note=f"adopted from {package}"):
            user = get_user_model()._default_manager.select_for_update().get(pk=planned.key)
            linking.adopt(user, planned.identity, planned.address)
    except linking.CannotLink as problem:
        return replace(planned, what="conflict", note=str(problem))
    return replace(planned, what="adopted")


def _terms(package: str, stored: Sequence[StoredIdentity], tenant: str, client_id: str) -> Terms:
    allowed = conf.MICROSOFT_ALLOWED_TENANTS
    tid = ""
    if any(row.oid and not row.tid for row in stored):
        tid = linking.tenant_of(tenant)
        if why := linking.why_not_of(tid, allowed):
            raise OperatorError(why)
    tenants = allowed or frozenset({tid or conf.MICROSOFT_TENANT_ID.lower()})
    if not any(row.sub for row in stored):
        return Terms(tenants, tid)
    return Terms(tenants, tid, _client_id(client_id), registration.client_id_in_force().lower())


def _client_id(named: str) -> str:
    known = frozenset({named.lower()}) if named else client_ids_of_social_auth()
    if len(known) == 1 and is_guid(next(iter(known))):
        return next(iter(known))
    raise OperatorError(
        "python-social-auth stored subs, which are good for one client ID only: name that of the"
        " app registration it used, --client-id GUID."
    )


def _people(accounts: Iterable[tuple[str, str, Any]], *, everyone: bool) -> Iterator[Person]:
    """`accounts`: the canonical uid, the uid as stored, and the user's key."""
    bound: dict[Any, str] = {}
    without_tenant: defaultdict[Any, set[str]] = defaultdict(set)
    for uid, stored, key in accounts:
        if bindings.is_complete(stored):
            bound[key] = uid
        elif is_guid(bindings.read(uid).oid):
            without_tenant[key].add(bindings.read(uid).oid)
    for user in _users(everyone=everyone).iterator():
        has = frozenset(without_tenant.get(user.pk, ()))
        yield Person(user.pk, email_of(user), user.get_username(), bound.get(user.pk, ""), has)


def _users(*, everyone: bool) -> QuerySet[Any]:
    people = get_user_model()._default_manager.order_by("pk")
    return people if everyone else with_flags(people, is_staff=True)
