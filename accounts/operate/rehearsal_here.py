"""What the rehearsal needs of this site: its users, its rules, and the tenant people come from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from django.db.models import OuterRef

from .. import registration, users
from ..conf import conf
from ..reasons import Refused
from ..signin import mapping, roles
from ..signin.identities import identity_of_user
from ..signin.policy import Candidate, Rules
from ..signin.roles import Carried, Outcome, Rights, Table
from . import linking
from .entra_export import Exported, read_export, unjudged
from .microsoft_app import GUID
from .rehearsal import ByRoles, Judge, Report, rehearse
from .roles import in_words

_CHUNK: Final = 500


def preview(text: str, tenant: str = "", table: Table | None = None) -> Report:
    """The rehearsal of an export's text, with the mapping in force, or with this draft of one.

    Raises OperatorError.
    """
    tid = tenant.lower() or _only_tenant()
    people = read_export(text)
    if not GUID.fullmatch(tid):  # identities are bound under a GUID: these cannot be compared
        people = tuple(replace(person, oid="") for person in people)
    has_roles = any(one.roles is not None for one in people)
    judge = judged_by_roles(mapping.table() if table is None else table) if has_roles else {}
    report = rehearse(people, list(users_here()), rules_here(tid), tid, **judge)
    return replace(report, unjudged=unjudged(text))


def judged_by_roles(table: Table) -> dict[str, Judge]:
    """What the mapping would make of each user with the roles of the file; {} with no mapping."""
    if not table:
        return {}
    found = {user.pk: user for user in users.everyone()}
    held = mapping.held_by(found)
    seen = replace(table, seen=frozenset({""}))

    def judge(person: Exported, user: Candidate) -> ByRoles | None:
        if person.roles is None:
            return None
        of, carried = held[user.user_id], Carried(person.roles, person.roles)
        outcome = roles.judge(seen, "", carried, of.rights, of.given)
        outcome = mapping.guarded(found[user.user_id], of, outcome)
        missing = conf.ROLES_REQUIRED and not outcome.roles
        return ByRoles(outcome.after.staff, _change(of.rights, outcome), missing)

    return {"by_roles": judge}


def _change(held: Rights, outcome: Outcome) -> str:
    names = ", ".join(outcome.roles) or "no mapped role"
    if outcome.after == held:
        return f"{names}: rights stay" if not outcome.note else f"{names}: {outcome.note}"
    words = f"{names}: {in_words(held)} becomes {in_words(outcome.after)}"
    return f"{words}; {outcome.note}" if outcome.note else words


def link_all(report: Report, tenant: str = "") -> tuple[int, list[str]]:
    """Bind everyone who would get in to their object ID now; how many, and what went wrong."""
    tid, linked, problems = linking.tenant_of(tenant), 0, []
    people = users.everyone().in_bulk([p.user_id for p in report.people if p.gets_in and p.oid])
    for person in report.people:
        if not (person.gets_in and person.oid and person.user_id in people):
            continue
        try:
            linked += linking.bind_ahead(people[person.user_id], tid, person.oid)
        except linking.CannotLink as problem:
            problems.append(f"line {person.line}, {person.email}: {problem}")
    return linked, problems


def users_here() -> Iterator[Candidate]:
    """Every user as the policy sees them."""
    found = users.everyone().annotate(bound_identity=identity_of_user(OuterRef("pk")))
    for user in found.iterator(chunk_size=_CHUNK):
        yield Candidate(
            user.pk,
            users.email_of(user),
            user.bound_identity or "",
            user.is_active,
            users.is_staff(user),
            users.is_superuser(user),
        )


def rules_here(tenant: str) -> Rules:
    """The rules in force; those of the environment when no app is set up yet."""
    try:
        return registration.rules_for(registration.in_force(), named=tenant)
    except Refused:
        tenants = conf.MICROSOFT_ALLOWED_TENANTS or frozenset({tenant})
        return Rules(tenants, allow_guests=conf.MICROSOFT_ALLOW_GUESTS)


def _only_tenant() -> str:
    """The one allowed tenant, or the one that is named by its domain only."""
    allowed: frozenset[str] = conf.MICROSOFT_ALLOWED_TENANTS
    own: str = conf.MICROSOFT_TENANT_ID.lower()
    if own in allowed or not allowed:
        return own
    if len(allowed) == 1:
        return next(iter(allowed))
    raise linking.WhichTenant("Several tenants are allowed: name the file's, --tenant GUID.")
