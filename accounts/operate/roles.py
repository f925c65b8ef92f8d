"""The mapping of app roles, for whoever runs the site: show it, change it, see whom it changes."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any, Final

from django.contrib.auth.models import Group
from django.db import transaction

from .. import audit
from ..models import RoleGrant, RoleMapping
from ..signin import mapping
from ..signin.roles import Carried, Rights, Table, judge
from ..users import everyone, where

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

A_FEW: Final = 3  # people whose rights a mapping may change without being asked again
# "Add app roles to your application": no spaces, not beginning with a dot, at most 120 characters.
_VALUE: Final = re.compile(r"[^\s.]\S{0,119}")


class Invalid(Exception):
    """What was asked for cannot be mapped; the text says why. Nothing was saved."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one role gives; `groups` by name."""

    value: str
    staff: bool
    superuser: bool
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """What a person would have in the place of what they have, at their next sign-in."""

    email: str
    now: str
    then: str
    roles: str


def rows() -> list[Row]:
    """The mapping, by value."""
    return [_row(one) for one in RoleMapping.objects.prefetch_related("groups")]


def preview(row: Row | None = None, *, remove: str = "") -> list[Change]:
    """Whom the mapping, changed so, would change if they came with the roles of last time.

    Raises Invalid.
    """
    table = mapping.read_table()
    changed = {**table.rows}
    if row is not None:
        changed[row.value] = _rights(row)
    changed.pop(remove, None)
    return list(_changes(Table(changed, table.seen)))


def save(row: Row) -> int:
    """Make or change one row; audited; returns its primary key. Raises Invalid."""
    check(row)
    with transaction.atomic():
        found, _ = RoleMapping.objects.get_or_create(value=row.value)
        before = _row(found)
        found.is_staff, found.is_superuser = row.staff, row.superuser
        found.save()
        found.groups.set(_groups(row.groups))
        audit.write("role.mapped", found, before=_facts(before), after=_facts(row))
    mapping.changed()
    return found.pk


def remove(value: str) -> None:
    """Take one row out: what it gave is taken back at the next sign-ins. Raises Invalid."""
    with transaction.atomic():
        found = RoleMapping.objects.filter(value=value).first()
        if found is None:
            raise Invalid(f"No role {value!r} is mapped: ./manage.py roles list")
        audit.write("role.unmapped", found, before=_facts(_row(found)))
        found.delete()
    mapping.changed()


def _changes(table: Table) -> Iterator[Change]:
    grants = RoleGrant.objects.filter(state="known").select_related("user").order_by("user__pk")
    users = {grant.user_id: grant.user for grant in grants}
    seen = Table(table.rows, frozenset({""}))
    for pk, held in mapping.held_by(users).items():
        outcome = judge(seen, "", Carried(held.roles, held.roles), held.rights, held.given)
        after = outcome.after if table else held.rights - held.given
        if after != held.rights:
            names = ", ".join(held.roles) or "none"
            yield Change(str(users[pk]), in_words(held.rights), in_words(after), names)


def in_words(rights: Rights) -> str:
    """For people: the flags, and the groups by name."""
    names = Group.objects.filter(pk__in=rights.groups).order_by("name")
    flags = [word for word in ("staff", "superuser") if getattr(rights, word)]
    return ", ".join([*flags, *(group.name for group in names)]) or "nothing"


def digest_of(changes: Iterable[Change]) -> str:
    """Names exactly these changes: a confirmation is good for what was shown, and nothing else."""
    shown = json.dumps([astuple(change) for change in changes])
    return hashlib.sha256(shown.encode()).hexdigest()[:32]


def _row(found: RoleMapping) -> Row:
    names = tuple(sorted(group.name for group in found.groups.all()))
    return Row(found.value, found.is_staff, found.is_superuser, names)


def _rights(row: Row) -> Rights:
    groups = frozenset(group.pk for group in _groups(row.groups))
    return Rights(row.staff, row.superuser, groups)


def _facts(row: Row) -> dict[str, Any]:
    return {"staff": row.staff, "superuser": row.superuser, "groups": list(row.groups)}


def _groups(names: Iterable[str]) -> list[Group]:
    found = {group.name: group for group in Group.objects.filter(name__in=list(names))}
    missing = [name for name in names if name not in found]
    if missing:
        raise Invalid(f"There is no group {missing[0]!r}: make it in admin, or correct the name.")
    return list(found.values())


def check(row: Row) -> None:
    """Raises Invalid when this row cannot be mapped."""
    if not _VALUE.fullmatch(row.value):
        raise Invalid(
            f"{row.value!r} is no role's Value: App roles > the role > Value has no spaces; its"
            " display name may have some."
        )
    near = [one for one in RoleMapping.objects.values_list("value", flat=True)
            if one != row.value and one.lower() == row.value.lower()]  # fmt: skip
    if near:
        raise Invalid(f"{near[0]!r} is mapped already, and differs in upper and lower case only.")
    if not where(everyone(), is_superuser=True, is_active=True).exists():
        raise Invalid("No active superuser exists: make one first, ./manage.py staff add EMAIL.")
