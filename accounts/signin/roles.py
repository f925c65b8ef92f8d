"""What app roles of a token mean for a person's rights: one pure function over frozen values.

known    the token says which roles the person has: what the mapping manages is set to exactly
         that, what it gave before and no longer manages is taken back, all else stays
unknown  the token does not say: nothing is given, nothing is taken
off      nothing is mapped: rights are given manually only, what was mapped once is taken back
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

from ..ids import is_guid

State = Literal["known", "unknown", "off"]


@dataclass(frozen=True, slots=True)
class Rights:
    """Two flags and the primary keys of groups."""

    staff: bool = False
    superuser: bool = False
    groups: frozenset[int] = frozenset()

    def __or__(self, other: Rights) -> Rights:
        return Rights(
            self.staff or other.staff, self.superuser or other.superuser, self.groups | other.groups
        )

    def __sub__(self, other: Rights) -> Rights:
        return Rights(
            self.staff and not other.staff,
            self.superuser and not other.superuser,
            self.groups - other.groups,
        )

    def __and__(self, other: Rights) -> Rights:
        return self - (self - other)

    def __bool__(self) -> bool:
        return self.staff or self.superuser or bool(self.groups)


NONE = Rights()


@dataclass(frozen=True, slots=True)
class Table:
    """The mapping: what each role gives, or each group by its object id in lower case.

    `seen`: client ids whose tokens ever carried roles. `owed`: nothing is mapped any more, and
    somebody still holds what was.
    """

    rows: Mapping[str, Rights] = field(default_factory=lambda: MappingProxyType({}))
    seen: frozenset[str] = frozenset()
    owed: bool = False

    def __bool__(self) -> bool:
        return bool(self.rows)

    @property
    def managed(self) -> Rights:
        """All that the mapping gives to anyone."""
        return union(self.rows.values())


@dataclass(frozen=True, slots=True)
class Carried:
    """What a token says: None says that it has no such claim, `problem` why it cannot be told.

    What is mapped by a group's object id counts from either, since Entra can emit groups as roles;
    a group's name is no role, for anybody may give a group any name.
    """

    roles: tuple[str, ...] | None
    groups: tuple[str, ...] | None = None
    problem: str = ""

    @property
    def names(self) -> frozenset[str]:
        """All that can be mapped; object ids in lower case."""
        groups = filter(is_guid, (*(self.groups or ()), *(self.roles or ())))
        return frozenset({*(self.roles or ()), *(group.lower() for group in groups)})

    @property
    def why_no_groups(self) -> str:
        """Why the token does not say which groups the person is in; "" when it does."""
        if self.groups is not None:
            by_name = not all(map(is_guid, self.groups))
            return "the groups claim has names, not Object IDs" if by_name else ""
        return "" if any(map(is_guid, self.roles or ())) else "the token has no groups claim"


@dataclass(frozen=True, slots=True)
class Holding:
    """The rights of a person, and what of them the mapping gave, for which roles.

    `state` is of their last sign-in, "" before the first.
    """

    state: State | Literal[""]
    roles: tuple[str, ...]
    rights: Rights
    given: Rights
    note: str = ""


def union(several: Iterable[Rights]) -> Rights:
    """All of them together."""
    whole = NONE
    for rights in several:
        whole |= rights
    return whole


def judge(table: Table, client_id: str, carried: Carried, held: Rights, given: Rights) -> Holding:
    """The rights of a person who holds `held`, of which the mapping gave `given` before."""
    if not table:
        note = "roles: nothing is mapped any more; what was given is taken back" if given else ""
        return Holding("off", (), held - given, NONE, note)
    problem = _why_unknown(table, client_id, carried)
    if problem:
        return Holding("unknown", (), held, given, f"roles: {problem}; rights stay as they were")
    names = sorted(carried.names & table.rows.keys())
    granted = union(table.rows[name] for name in names)
    after = (held - table.managed - given) | granted
    return Holding("known", tuple(names), after, granted, _near_miss(table, carried, names))


def keeping(outcome: Holding, held: Rights, *, is_last: bool, by_link: bool) -> Holding:
    """The outcome without what a claim must never do: lock everybody out.

    `is_last`: the last active superuser keeps superuser and staff. `by_link`: who came in by a
    break-glass link keeps all, since it was made because something is broken.
    """
    lost = held - outcome.rights
    if not lost:
        return outcome
    if by_link:
        return _with(outcome, held, "in by a break-glass link: nothing is taken")
    if is_last and (lost.superuser or lost.staff):
        kept = Rights(held.staff, superuser=True)
        return _with(outcome, kept, "the last active superuser stays one")
    return outcome


def _with(outcome: Holding, rights: Rights, why: str) -> Holding:
    note = " ".join(filter(None, (outcome.note, f"roles: {why}")))
    return replace(outcome, rights=outcome.rights | rights, note=note)


def roles_giving(table: Table, roles: Iterable[str], right: Rights) -> list[str]:
    """Which of these roles give any of this right, as the mapping is now."""
    rows = ((name, table.rows.get(name, NONE)) for name in roles)
    return sorted(name for name, given in rows if right & given)


def _why_unknown(table: Table, client_id: str, carried: Carried) -> str:
    if carried.problem:
        return carried.problem
    if any(map(is_guid, table.rows)) and carried.why_no_groups:
        return carried.why_no_groups
    by_role = not all(map(is_guid, table.rows))
    if by_role and not carried.roles and client_id not in table.seen:
        return "no token of this app registration has ever carried any"
    return ""


def _near_miss(table: Table, carried: Carried, names: list[str]) -> str:
    """A role that is mapped under another spelling: Entra compares exactly, and so do we."""
    others = {plain(role) for role in carried.roles or () if role not in table.rows}
    near = [value for value in table.rows if value not in names and plain(value) in others]
    return f"roles: one is spelled almost like {near[0]!r}, which is mapped" if near else ""


def plain(value: str) -> str:
    """What a value looks like: case, blanks, invisible and wide forms of characters apart."""
    visible = "".join(c for c in unicodedata.normalize("NFKC", value) if c.isprintable())
    return "".join(visible.casefold().split())
