"""The context of a person's page: identity, roles, state, actions, sign-ins, sessions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib.admin import ModelAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from django.utils.translation import gettext as _

from ... import users
from ...app import user_url
from ...conf import conf
from ...models import RoleGrant, SignIn, User
from ...operate import linking
from ...operate.account_status import status_of
from ...signin import mapping
from ...signin.identities import accounts_of
from ...signin.roles import Rights, Table, roles_giving
from .. import sessions
from ..account_news import latest_sign_ins
from ..advice import title_of
from .actions import ACTIONS, PersonAction
from .people_list import may_see_sign_ins, state_text


def context(page: ModelAdmin[Any], request: HttpRequest, object_id: str) -> dict[str, Any]:
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
        "actions": actions_for(page, request, person),
        "sign_ins": _with_titles(latest_sign_ins(person)) if links else None,
        "open_sessions": sessions.of_person(request, person),
    }


def actions_for(
    page: ModelAdmin[Any], request: HttpRequest, person: User
) -> list[tuple[PersonAction, str]]:
    """The actions that apply to the person now and that the request's user may perform; URLs."""
    not_applicable = {
        "deactivate" if not person.is_active else "reactivate",
        "" if accounts_of(person).exists() else "unlink",
    }
    return [
        (action, user_url(name, person.pk))
        for name, action in ACTIONS.items()
        if name not in not_applicable and action.allowed(page, request, person)
    ]


def _with_titles(rows: Iterable[SignIn]) -> list[tuple[SignIn, str]]:
    return [(row, title_of(row.reason) if row.reason else "") for row in rows]


def _role_facts(person: Any) -> dict[str, Any] | None:
    """Roles of the `last` sign-in, `since` when, and the rights `managed` by roles.

    None without a mapping, unless roles gave this person something before.
    """
    table, grant = mapping.table(), RoleGrant.objects.filter(user=person).first()
    if not table and grant is None:
        return None
    managed = list(_managed(table, grant))
    return {"last": _last(grant), "since": grant.at if grant else None, "managed": managed}


def _last(grant: RoleGrant | None) -> str:
    if grant is None:
        return _("not known before their next sign-in")
    if grant.state == "unknown":
        return _("the token did not tell; rights stayed as they were")
    return ", ".join(grant.roles) or _("none that is mapped")


def _managed(table: Table, grant: RoleGrant | None) -> Iterator[tuple[str, str]]:
    """Each right that roles manage, and in words the roles that give it or would."""
    own = grant.roles if grant else []
    flags = {_("staff status"): Rights(staff=True), _("superuser status"): Rights(superuser=True)}
    groups = Group.objects.filter(pk__in=table.managed.groups).order_by("name")
    named = {group.name: Rights(groups=frozenset({group.pk})) for group in groups}
    for name, right in {**flags, **named}.items():
        if roles := roles_giving(table, table.rows, right):
            yield name, _by_roles(roles_giving(table, own, right), roles)


def _by_roles(given: list[str], roles: list[str]) -> str:
    if given:
        return _("given by %(roles)s") % {"roles": ", ".join(given)}
    return _("not given; %(roles)s would") % {"roles": ", ".join(roles)}
