"""What app roles of a token mean for a person's rights: one pure function over frozen values.

known    the token has the person's roles: they set the rights that the mapping manages; those that
         it gave before and no longer manages are taken back; all others stay
unknown  the token does not have them: nothing is given, nothing is taken
off      nothing is mapped: what the mapping gave before is taken back
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import or_
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

    `seen`: client ids whose tokens have ever carried roles. `owed`: the mapping is empty, and
    somebody still has rights that it gave.
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
class TokenRoles:
    """The token's claims `roles` and `groups`: None where absent; `problem` says why unreadable.

    A group's object id counts in either, since Entra can emit groups as roles. A group's name never
    counts as a role, for anybody may give a group any name.
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
class HeldRights:
    """A person's rights, and which of them the mapping gave, for which roles.

    `state` is that of their last sign-in, "" before the first.
    """

    state: State | Literal[""]
    roles: tuple[str, ...]
    rights: Rights
    given: Rights
    note: str = ""


def union(several: Iterable[Rights]) -> Rights:
    """Whatever any of them has."""
    return reduce(or_, several, NONE)


def rights_after(
    table: Table, client_id: str, token_roles: TokenRoles, held: Rights, given: Rights
) -> HeldRights:
    """The rights of a person who has `held`, of which the mapping gave `given` before."""
    if not table:
        note = "roles: nothing is mapped any more; what was given is taken back" if given else ""
        return HeldRights("off", (), held - given, NONE, note)
    problem = _why_unknown(table, client_id, token_roles)
    if problem:
        return HeldRights("unknown", (), held, given, f"roles: {problem}; rights stay as they were")
    names = sorted(token_roles.names & table.rows.keys())
    granted = union(table.rows[name] for name in names)
    after = (held - table.managed - given) | granted
    return HeldRights("known", tuple(names), after, granted, _near_miss(table, token_roles, names))


def with_safeguards(
    outcome: HeldRights, held: Rights, *, is_last: bool, by_link: bool
) -> HeldRights:
    """The outcome, less whatever would lock everybody out.

    `is_last`: the last active superuser stays superuser and staff. `by_link`: nothing is taken from
    who came in by a break-glass link, since something is broken then.
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


def _with(outcome: HeldRights, rights: Rights, why: str) -> HeldRights:
    note = " ".join(filter(None, (outcome.note, f"roles: {why}")))
    return replace(outcome, rights=outcome.rights | rights, note=note)


def roles_giving(table: Table, roles: Iterable[str], right: Rights) -> list[str]:
    """Which of these roles give any of this right, as the mapping is now."""
    rows = ((name, table.rows.get(name, NONE)) for name in roles)
    return sorted(name for name, given in rows if right & given)


def _why_unknown(table: Table, client_id: str, token_roles: TokenRoles) -> str:
    if token_roles.problem:
        return token_roles.problem
    if any(map(is_guid, table.rows)) and token_roles.why_no_groups:
        return token_roles.why_no_groups
    by_role = not all(map(is_guid, table.rows))
    if by_role and not token_roles.roles and client_id not in table.seen:
        return "no token of this app registration has ever carried any"
    return ""


def _near_miss(table: Table, token_roles: TokenRoles, names: list[str]) -> str:
    """A role that is mapped in another spelling: Entra compares exactly, and so does this site."""
    others = {plain(role) for role in token_roles.roles or () if role not in table.rows}
    near = [value for value in table.rows if value not in names and plain(value) in others]
    return f"roles: one is spelled almost like {near[0]!r}, which is mapped" if near else ""


def plain(value: str) -> str:
    """The value without case, blanks, and invisible or wide characters, to find near misses."""
    visible = "".join(c for c in unicodedata.normalize("NFKC", value) if c.isprintable())
    return "".join(visible.casefold().split())
