"""The mapping of app roles in the database, and applying it to users."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.utils import timezone

from .. import audit, users
from ..conf import conf
from ..entra.claims import Claims
from ..ids import is_guid
from ..models import BreakGlassLink, RoleGrant, RoleMapping, RolesSeen
from ..process.process_copy import ProcessCopy
from ..users import everyone, is_last_superuser
from .roles import HeldRights, Rights, Table, TokenRoles, rights_after, with_safeguards

NOTE: Final = "app roles: "  # the beginning of the audit's note on a change by roles


def read_table() -> Table:
    """The mapping as the database has it now."""
    rows = {}
    for row in RoleMapping.objects.prefetch_related("groups"):
        groups = frozenset(group.pk for group in row.groups.all())
        rows[as_mapped(row.value)] = Rights(row.is_staff, row.is_superuser, groups)
    if not rows:
        kept = RoleGrant.objects.exclude(staff=False, superuser=False, groups=[])
        return Table(owed=kept.exists())
    return Table(rows, frozenset(RolesSeen.objects.values_list("client_id", flat=True)))


def as_mapped(value: str) -> str:
    """How the mapping names a value: object ids of groups in lower case, roles as they are."""
    return value.lower() if is_guid(value) else value


_copy = ProcessCopy("role-mapping-version", read_table)  # a sign-in costs nothing where it is empty
table, forget, changed = _copy.current, _copy.forget, _copy.changed


@dataclass(frozen=True, slots=True)
class RightsChange:
    """A user's rights before and after a sign-in."""

    user: Any
    held: HeldRights
    outcome: HeldRights

    @property
    def note(self) -> str:
        """For the record: the mapped roles in the token, and whatever an admin should know."""
        names = f"roles: {', '.join(self.outcome.roles)}" if self.outcome.roles else ""
        return "; ".join(filter(None, (names, self.outcome.note)))


def changes_for(users: Mapping[Any, Any], claims: Claims) -> dict[Any, RightsChange]:
    """By primary key, what these claims do to the users' rights; empty when nothing is mapped."""
    known = table()
    if not (known or known.owed) or not users:
        return {}
    token_roles = TokenRoles(claims.roles, claims.groups, claims.roles_problem)
    if token_roles.roles and claims.client_id not in known.seen:
        known = replace(known, seen=known.seen | {claims.client_id})
    changes = {}
    for pk, held in held_by(users).items():
        outcome = rights_after(known, claims.client_id, token_roles, held.rights, held.given)
        changes[pk] = RightsChange(users[pk], held, safeguarded(users[pk], held, outcome))
    return changes


def held_by(users: Mapping[Any, Any]) -> dict[Any, HeldRights]:
    """One query for all of them."""
    fields = ("pk", "groups", *(f"role_grant__{name}" for name in _GRANT))
    rows = defaultdict[Any, list[tuple[Any, ...]]](list)
    for row in everyone().filter(pk__in=list(users)).values_list(*fields):
        rows[row[0]].append(row)
    return {pk: _held(user, rows[pk]) for pk, user in users.items()}


_GRANT: Final = ("staff", "superuser", "groups", "roles", "state")


def _held(user: Any, rows: list[tuple[Any, ...]]) -> HeldRights:
    groups = frozenset(row[1] for row in rows if row[1] is not None)
    staff, superuser, given, roles, state = rows[0][2:] if rows else (None,) * 5
    return HeldRights(
        state or "",
        tuple(roles or ()),
        Rights(bool(getattr(user, "is_staff", False)), users.is_superuser(user), groups),
        Rights(bool(staff), bool(superuser), frozenset(given or ())),
    )


# --- applying it --------------------------------------------------------------------------------


def safeguarded(
    user: Any, held: HeldRights, outcome: HeldRights, *, lock: bool = False
) -> HeldRights:
    """The outcome after `with_safeguards`. `lock` the superusers; for use in a transaction."""
    lost = held.rights - outcome.rights
    if not lost:
        return outcome
    by_link = break_glass_links_in_use().filter(user=user).exists()
    at_risk = (lost.superuser or lost.staff) and not by_link
    is_last = at_risk and is_last_superuser(user, lock=lock)
    return with_safeguards(outcome, held.rights, is_last=is_last, by_link=by_link)


def break_glass_links_in_use() -> QuerySet[BreakGlassLink]:
    """The links whose sessions may still be open."""
    since = timezone.now() - timedelta(hours=conf.SESSION_HOURS)
    return BreakGlassLink.objects.filter(used_at__gt=since)


def apply(change: RightsChange, client_id: str) -> None:
    """Give and take the rights, and store what was given; in the sign-in's transaction."""
    user, held = change.user, change.held
    outcome = safeguarded(user, held, change.outcome, lock=True)
    names = ", ".join(outcome.roles) or "none"
    if outcome.rights != held.rights:
        with audit.context(note=f"{NOTE}{names}"):
            _set_rights(user, held.rights, outcome.rights)
    before = (held.state, held.roles, held.given)
    if before != (outcome.state, outcome.roles, outcome.given):
        _store(user, outcome)
    if not all(map(is_guid, outcome.roles)) and client_id not in table().seen:
        RolesSeen.objects.get_or_create(client_id=client_id)
        changed()


def _set_rights(user: Any, held: Rights, after: Rights) -> None:
    flags = {"is_staff": after.staff, "is_superuser": after.superuser}
    differing = [name for name, value in flags.items() if getattr(user, name) != value]
    for name in differing:
        setattr(user, name, flags[name])
    if differing:
        user.save(update_fields=differing)
    if given := after.groups - held.groups:
        # One of them may have been deleted since the mapping was read.
        user.groups.add(*Group.objects.filter(pk__in=given))
    if taken := held.groups - after.groups:
        user.groups.remove(*taken)


def _store(user: Any, outcome: HeldRights) -> None:
    RoleGrant.objects.update_or_create(
        user=user,
        defaults={
            "state": outcome.state,
            "roles": list(outcome.roles),
            "staff": outcome.given.staff,
            "superuser": outcome.given.superuser,
            "groups": sorted(outcome.given.groups),
            "at": timezone.now(),
        },
    )


def missing(outcome: HeldRights) -> str:
    """Why somebody without a mapped role is kept out, for the record."""
    if outcome.state == "off":
        return outcome.note
    accepted = ", ".join(sorted(table().rows)[:10])
    return " ".join(filter(None, (f"roles: none of {accepted} is in the token", outcome.note)))
