"""Who holds which rights, and who or what gave them: an app role, admin or a command."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet

from ..models import AuditEntry, RoleGrant
from ..signin import mapping
from ..signin.roles import Rights, roles_giving
from ..stores.batches import in_batches
from ..users import email_field, has_field
from . import search
from .audit_log import as_values

COLUMNS: Final = ("person", "active", "right", "by", "why", "since", "reference")
ROLE, HAND, COMMAND, UNKNOWN = "role", "hand", "command", "unknown"
_GIVING: Final = ("person.added", "person.rights_changed")
_FIELDS: Final = ("is_staff", "is_superuser", "groups", "user_permissions")
_FLAGS: Final = {"is_staff": "staff", "is_superuser": "superuser"}


@dataclass(frozen=True, slots=True)
class Right:
    """One right of one person; `why` names the role or the actor.

    `by` is UNKNOWN where it was given before the audit began, or by SQL.
    """

    user_id: Any
    person: str
    active: bool
    right: str
    by: str
    why: str = ""
    since: datetime | None = None
    reference: str = ""


def people(text: str = "") -> QuerySet[Any]:
    """Everyone who holds any right, by address, with `text` in name or address."""
    model = get_user_model()
    has = {field.name: field.many_to_many for field in model._meta.get_fields()}
    held = Q(pk__in=[])
    for name in (name for name in _FIELDS if name in has):
        held |= Q((f"{name}__isnull", False)) if has[name] else Q((name, True))
    found = search.people(model._default_manager.filter(held), text)
    return found.distinct().order_by(email_field(), "pk")


def rights_of(chosen: Iterable[Any]) -> Iterator[Right]:
    """Each right of these people, read in batches."""
    for batch in in_batches(chosen, 200):
        yield from _of_batch(batch)


def _of_batch(batch: list[Any]) -> Iterator[Right]:
    keys = [person.pk for person in batch]
    grants = {grant.user_id: grant for grant in RoleGrant.objects.filter(user__in=keys)}
    entries = _entries(keys)
    for person in _with_rights(keys):
        given = _given_by_roles(grants.get(person.pk))
        by_entry = entries.get(str(person.pk), {})
        for field, name, value in _rights(person):
            yield _right(person, name, given.get((field, value)), by_entry.get((field, name)))


def _with_rights(keys: list[Any]) -> Iterable[Any]:
    """These users with groups and permissions, in the order of `people`."""
    found = people().filter(pk__in=keys)
    held = {"groups": "groups", "user_permissions": "user_permissions__content_type"}
    return found.prefetch_related(*(path for name, path in held.items() if has_field(name)))


def _rights(person: Any) -> Iterator[tuple[str, str, Any]]:
    """Field, name and value of each right that the person holds."""
    for field, word in _FLAGS.items():
        if getattr(person, field, False):
            yield field, word, True
    for group in person.groups.all() if has_field("groups") else ():
        yield "groups", group.name, group.pk
    for permission in person.user_permissions.all() if has_field("user_permissions") else ():
        name = f"{permission.content_type.app_label}.{permission.codename}"
        yield "permissions", name, permission.pk


def _right(person: Any, name: str, roles: list[str] | None, entry: Any) -> Right:
    held = Right(person.pk, str(person), person.is_active, name, UNKNOWN)
    by, why = _source(entry) if entry is not None else ("", "")
    if entry is not None and (roles is None or by == ROLE):
        held = replace(held, by=by, why=why, since=entry.at, reference=entry.reference)
    return held if roles is None else replace(held, by=ROLE, why=", ".join(roles))


def _given_by_roles(grant: RoleGrant | None) -> dict[tuple[str, Any], list[str]]:
    """The rights that the mapping gave this person, each with its roles."""
    if grant is None:
        return {}
    table = mapping.table()
    given: dict[tuple[str, Any], Rights] = {
        **({("is_staff", True): Rights(staff=True)} if grant.staff else {}),
        **({("is_superuser", True): Rights(superuser=True)} if grant.superuser else {}),
        **{("groups", pk): Rights(groups=frozenset({pk})) for pk in grant.groups},
    }
    return {key: roles_giving(table, grant.roles, right) for key, right in given.items()}


def _entries(keys: list[Any]) -> dict[str, dict[tuple[str, str], AuditEntry]]:
    """The latest audit entry that gave each right, by person."""
    model = get_user_model()
    entries = AuditEntry.objects.filter(
        action__in=_GIVING,
        subject_kind=model._meta.label_lower,
        subject_key__in=[str(key) for key in keys],
    )
    found: dict[str, dict[tuple[str, str], AuditEntry]] = {}
    for entry in entries.order_by("at").select_related("seal").prefetch_related("parts"):
        of_person = found.setdefault(entry.subject_key, {})
        of_person.update(dict.fromkeys(_given_in(entry), entry))
    return found


def _given_in(entry: AuditEntry) -> Iterator[tuple[str, str]]:
    after = _subject(entry).get("after") or {}
    for field, word in _FLAGS.items():
        if after.get(field) is True:
            yield field, word
    for field in ("groups", "permissions"):
        for name in after.get(field) or ():
            yield field, str(name)


def _source(entry: AuditEntry) -> tuple[str, str]:
    """What gave the right: a kind, and the actor or the roles."""
    note = str(_subject(entry).get("note", ""))
    if note.startswith(mapping.NOTE):
        return ROLE, note.removeprefix(mapping.NOTE)
    by = COMMAND if entry.actor_kind == AuditEntry.Actor.COMMAND else HAND
    return by, str(as_values(entry)["who"])


def _subject(entry: AuditEntry) -> dict[str, Any]:
    return next((part.content for part in entry.parts.all() if part.role == "subject"), {})
