"""What a person's page shows below the form: identity, sign-ins, sessions, what can be done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.contrib.auth.models import Group
from django.utils.translation import gettext as _

from ... import users
from ...app import user_url
from ...conf import conf
from ...models import RoleGrant, SignIn
from ...operate import linking
from ...operate.account_status import status_of
from ...signin import mapping
from ...signin.roles import Rights, roles_giving
from .. import sessions
from ..advice import title_of
from .actions import STEPS
from .people_list import may_see_sign_ins, state_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from django.http import HttpRequest

    from ...models import User
    from ...signin.roles import Table
    from .actions import Step

RECENT: Final = 10


def context(request: HttpRequest, object_id: str) -> dict[str, Any]:
    """For change_form.html; empty when there is no such person."""
    person = users.by_key(object_id)
    if person is None:
        return {}
    identity = linking.of_user(person)
    links = may_see_sign_ins(request.user)
    return {
        "identity": identity,
        "role_facts": _role_facts(person),
        "state_text": state_text(status_of(person), link=links),
        "sets_passwords": conf.ADMIN_PASSWORD_LOGIN and users.is_superuser(request.user),
        "steps": steps_for(request.user, person),
        "sign_ins": _recent_sign_ins(person) if links else None,
        "open_sessions": sessions.of_person(request, person),
    }


def steps_for(editor: Any, person: User) -> list[tuple[Step, str]]:
    """What this editor may do to the person, as things are, and the page for it."""
    senseless = {
        "deactivate" if not person.is_active else "reactivate",
        "" if linking.of_user(person) else "unlink",
    }
    return [
        (step, user_url(name, person.pk))
        for name, step in STEPS.items()
        if name not in senseless and step.allowed(editor, person)
    ]


def _recent_sign_ins(person: User) -> list[tuple[SignIn, str]]:
    newest = SignIn.objects.filter(user=person).order_by("-at")[:RECENT]
    return [(row, title_of(row.reason) if row.reason else "") for row in newest]


@dataclass(frozen=True, slots=True)
class RoleFacts:
    """`last`: roles of the last sign-in, or why there are none. `managed`: right and its roles."""

    last: str
    since: datetime | None
    managed: tuple[tuple[str, str], ...]


def _role_facts(person: Any) -> RoleFacts | None:
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
