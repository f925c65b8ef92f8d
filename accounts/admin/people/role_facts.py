"""What app roles have to do with a person's rights, in words for their page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import Group
from django.utils.translation import gettext as _

from ...models import RoleGrant
from ...signin import mapping
from ...signin.roles import Rights, roles_giving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from ...signin.roles import Table


@dataclass(frozen=True, slots=True)
class RoleFacts:
    """`last`: roles of the last sign-in, or why there are none. `managed`: right and its roles."""

    last: str
    since: datetime | None
    managed: tuple[tuple[str, str], ...]


def facts_of(person: Any) -> RoleFacts | None:
    """None where nothing is mapped and nothing ever was for this person."""
    table, grant = mapping.table(), RoleGrant.objects.filter(user=person).first()
    if not table and grant is None:
        return None
    rights = tuple(_managed(table, grant))
    return RoleFacts(_last(grant), grant.at if grant else None, rights)


def _last(grant: RoleGrant | None) -> str:
    if grant is None:
        return _("not known before their next sign-in")
    if grant.state == "unknown":
        return _("the token did not tell; rights stayed as they were")
    return ", ".join(grant.roles) or _("none that is mapped")


def _managed(table: Table, grant: RoleGrant | None) -> Iterator[tuple[str, str]]:
    """Each right that roles decide on, and the person's roles that give it."""
    own = grant.roles if grant else []
    flags = {_("staff status"): Rights(staff=True), _("superuser status"): Rights(superuser=True)}
    groups = Group.objects.filter(pk__in=table.managed.groups).order_by("name")
    named = {group.name: Rights(groups=frozenset({group.pk})) for group in groups}
    for name, right in {**flags, **named}.items():
        if roles := roles_giving(table, table.rows, right):
            by = roles_giving(table, own, right)
            yield name, _said(by, roles)


def _said(by: list[str], roles: list[str]) -> str:
    if by:
        return _("given by %(roles)s") % {"roles": ", ".join(by)}
    return _("not given; %(roles)s would") % {"roles": ", ".join(roles)}
