"""The mapping of app roles: list it, change it, and preview whose rights a change affects."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, replace
from typing import Any, Final

from django.contrib.auth.models import Group
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as noop

from .. import audit, registration, users
from ..models import RoleGrant, RoleMapping
from ..signin import mapping
from ..signin.roles import (
    HeldRights,
    Rights,
    Table,
    TokenRoles,
    plain,
    rights_after,
    with_safeguards,
)
from ..stores import transaction
from . import OperatorError

_FLAGS: Final = (noop("staff"), noop("superuser"))
UNCONFIRMED: Final = 3  # people whose rights may change without a confirmation
# "Add app roles to your application": these characters, not beginning with a dot, at most 120.
_VALUE: Final = re.compile(r"(?!\.)[!#-\[\]-~]{1,120}")


@dataclass(frozen=True, slots=True)
class Row:
    """What one role gives; `groups` by name."""

    value: str
    staff: bool
    superuser: bool
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """The rights of a person now, and after their next sign-in."""

    email: str
    now: str
    then: str
    roles: str


def rows() -> list[Row]:
    """The mapping, by value."""
    return [_row(one) for one in RoleMapping.objects.prefetch_related("groups")]


def preview(row: Row | None = None, *, remove: str = "") -> list[Change]:
    """Whose rights the mapping, changed so, would change with their last known roles.

    Raises OperatorError.
    """
    return list(_changes(drafted([row] if row else [], remove=remove)))


def drafted(rows: Iterable[Row], *, remove: str = "") -> Table:
    """The mapping with these rows, which are not saved. Raises OperatorError."""
    table = mapping.read_table()
    changed = {**table.rows, **{mapping.as_mapped(row.value): _rights(row) for row in rows}}
    changed.pop(mapping.as_mapped(remove), None)
    return replace(table, rows=changed)


def save(row: Row) -> int:
    """Make or change a row; returns its primary key. Raises OperatorError."""
    check(row)
    row = replace(row, value=mapping.as_mapped(row.value))
    with transaction.atomic():
        found, _created = RoleMapping.objects.get_or_create(value=row.value)
        before = _row(found)
        found.is_staff, found.is_superuser = row.staff, row.superuser
        found.save()
        found.groups.set(_groups(row.groups))
        audit.write("role.mapped", found, before=_facts(before), after=_facts(row))
    mapping.changed()
    return found.pk


def remove(value: str) -> None:
    """Remove a row: the next sign-ins take back what it gave. Raises OperatorError."""
    with transaction.atomic():
        found = RoleMapping.objects.filter(value=value).first()
        if found is None:
            raise OperatorError(_("No role “%(role)s” is mapped.") % {"role": value})
        audit.write("role.unmapped", found, before=_facts(_row(found)))
        found.delete()
    mapping.changed()


def _changes(table: Table) -> Iterator[Change]:
    """With the rights that a sign-in's guards keep, and why.

    As if everyone signed in, in this order: of superusers who would all lose it, the last keeps it.
    """
    superusers = users.superusers()
    by_link = set(mapping.break_glass_links_in_use().values_list("user_id", flat=True))
    for one, held, after, names in _by_last_roles(table):
        others = any(in_charge for pk, in_charge in superusers.items() if pk != one.pk)
        kept = with_safeguards(
            HeldRights("known", (), after, after),
            held.rights,
            is_last=one.pk in superusers and not others,
            by_link=one.pk in by_link,
        ).rights
        superusers[one.pk] = kept.superuser and kept.staff
        if kept != after:
            why = _("in by a break-glass link") if one.pk in by_link else _("the last superuser")
            yield Change(str(one), in_words(held.rights), f"{in_words(kept)} ({why})", names)
        elif after != held.rights:
            yield Change(str(one), in_words(held.rights), in_words(after), names)


def held_with(table: Table, held: HeldRights, roles: tuple[str, ...]) -> HeldRights:
    """What the mapping gives and takes if a token carries these roles, as tokens did before."""
    seen_before = replace(table, seen=frozenset({""}))
    return rights_after(seen_before, "", TokenRoles(roles, roles), held.rights, held.given)


def _by_last_roles(table: Table) -> Iterator[tuple[Any, HeldRights, Rights, str]]:
    """Each user, what they hold, their rights by their last known roles, and those roles."""
    grants = RoleGrant.objects.filter(state="known").select_related("user").order_by("user__pk")
    known = {grant.user_id: grant.user for grant in grants}
    for pk, held in mapping.held_by(known).items():
        rights = held_with(table, held, held.roles).rights
        yield known[pk], held, rights, ", ".join(held.roles) or _("none")
    if table and registration.client_id_in_force() in table.seen:
        for one, held in _with_unknown_roles(table):
            yield one, held, held.rights - table.managed - held.given, _("not known yet")


def read_draft(text: str) -> list[Row]:
    """Rows of a draft mapping: lines such as `Editor = staff, Editors`. Raises OperatorError."""
    lines = (line.strip() for line in text.splitlines())
    return [_read_row(line) for line in lines if line]


def _read_row(line: str) -> Row:
    value, equals, rights = (part.strip() for part in line.rpartition("="))
    if not equals:
        example = _("“%(line)s” has no “=”: write Editor = staff, Editors.")
        raise OperatorError(example % {"line": line})
    check_value(value)
    names = list(filter(None, (name.strip() for name in rights.split(","))))
    flags = {word: word in map(str.lower, names) for word in _FLAGS}
    groups = tuple(name for name in names if name.lower() not in _FLAGS)
    _groups(groups)
    return Row(value, flags["staff"], flags["superuser"], groups)


def with_unknown_roles() -> list[str]:
    """Who holds mapped rights, and would lose them at the next sign-in without a role."""
    return [str(one) for one, _held in _with_unknown_roles(mapping.read_table())]


def _with_unknown_roles(table: Table) -> Iterator[tuple[Any, HeldRights]]:
    """Active users with mapped rights, whose tokens have had no roles claim yet."""
    managed = table.managed
    holds = Q(groups__in=managed.groups)
    for field, is_managed in (("is_staff", managed.staff), ("is_superuser", managed.superuser)):
        if is_managed and users.has_field(field):
            holds |= Q((field, True))
    people = users.with_flags(users.everyone().filter(holds), is_active=True).distinct()
    unknown = people.exclude(role_grant__state="known")
    found = {one.pk: one for one in unknown.order_by("pk")}
    for pk, held in mapping.held_by(found).items():
        yield found[pk], held


def in_words(rights: Rights) -> str:
    """The flags, and the groups by name."""
    names = Group.objects.filter(pk__in=rights.groups).order_by("name")
    flags = [_(word) for word in _FLAGS if getattr(rights, word)]
    return ", ".join([*flags, *(group.name for group in names)]) or _("nothing")


def digest_of(changes: Iterable[Change]) -> str:
    """A digest of the changes that are confirmed: after another change, there is a new preview."""
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
        text = _("There is no group “%(group)s”: make it in admin, or correct the name.")
        raise OperatorError(text % {"group": missing[0]})
    return list(found.values())


def check(row: Row) -> None:
    """Raises OperatorError when this row cannot be saved."""
    check_value(row.value)
    others = RoleMapping.objects.exclude(value=mapping.as_mapped(row.value))
    folded = plain(row.value)
    near = [one for one in others.values_list("value", flat=True) if plain(one) == folded]
    if near:
        text = _("“%(role)s” is mapped already, and differs in upper and lower case only.")
        raise OperatorError(text % {"role": near[0]})
    if not users.with_flags(users.everyone(), is_superuser=True, is_active=True).exists():
        raise OperatorError(_("No active superuser exists: make one first."))


def check_value(value: str) -> None:
    """Raises OperatorError when this is no possible Value of a role, nor a group's Object ID."""
    if _VALUE.fullmatch(value):
        return
    text = _(
        "“%(role)s” is no role's Value: App roles > the role > Value has no spaces; its"
        " display name may have some."
    )
    odd = next((c for c in value if not c.isspace() and not _VALUE.fullmatch(f"x{c}")), "")
    if odd:
        text = _("“%(role)s” is no role's Value: it has %(character)s in it.")
    name = unicodedata.name(odd, f"U+{ord(odd):04X}") if odd else ""
    raise OperatorError(text % {"role": value, "character": name})
