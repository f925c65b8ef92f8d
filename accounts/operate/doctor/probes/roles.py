"""App roles: whether tokens still carry them, and whether mapped roles and groups still exist."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.utils import timezone

from ....models import AuditEntry, RoleGrant, RoleMapping, SignIn
from ..finding import Observation, fault, ok

_LAST: Final = 10  # sign-ins
_ENOUGH: Final = 3  # sign-ins: one person may have no role, three in a row show the registration
_LONG: Final = timedelta(days=90)
_NAMED: Final = 5
Mapped = dict[
    int, tuple[datetime, list[str]]
]  # by mapping: when it was last saved, with which groups


def run() -> Iterator[Observation]:
    """Nothing without a mapping."""
    rows = list(RoleMapping.objects.prefetch_related("groups"))
    if not rows:
        return
    mapped = _last_mapped(rows)
    yield from _sign_ins(min(at for at, _groups in mapped.values()))
    yield from _missing_groups(rows, mapped)
    yield from _unused(rows, mapped)


def _last_mapped(rows: Sequence[RoleMapping]) -> Mapped:
    """From the audit log; one without an entry there counts as old."""
    entries = AuditEntry.objects.filter(
        action="role.mapped", subject_key__in=[str(row.pk) for row in rows]
    )
    mapped = {row.pk: (timezone.now() - 2 * _LONG, list[str]()) for row in rows}
    for entry in entries.order_by("at").prefetch_related("parts"):
        subject: Any = next((p.content for p in entry.parts.all() if p.role == "subject"), {})
        groups = (subject.get("after") or {}).get("groups") or []
        mapped[int(entry.subject_key)] = (entry.at, groups)
    return mapped


def _sign_ins(since: datetime) -> Iterator[Observation]:
    """Whether any of the last sign-ins since the first mapping carried a mapped role."""
    admitted = SignIn.objects.filter(
        outcome=SignIn.Outcome.ADMITTED, method=SignIn.Method.MICROSOFT, at__gt=since
    ).exclude(user=None)
    users = list(admitted.order_by("-at").values_list("user", flat=True)[:_LAST])
    if len(users) < _ENOUGH:
        return
    grants = list(RoleGrant.objects.filter(user__in=users))
    if any(grant.state == "known" and grant.roles for grant in grants):
        yield ok("roles.none_came", count=len(users))
        return
    unknown = sum(grant.state != "known" for grant in grants) + len(set(users)) - len(grants)
    yield fault("roles.none_came", count=len(users), people=len(set(users)), unknown=unknown)


def _missing_groups(rows: Sequence[RoleMapping], mapped: Mapped) -> Iterator[Observation]:
    for row in rows:
        now = {group.name for group in row.groups.all()}
        before = mapped[row.pk][1]
        if len(now) < len(before):
            missing = ", ".join(sorted(set(before) - now))
            yield fault("roles.group_gone", role=row.value, groups=missing)


def _unused(rows: Sequence[RoleMapping], mapped: Mapped) -> Iterator[Observation]:
    """Mapped for months, and nobody who signed in within them has the role."""
    long_ago = timezone.now() - _LONG
    active = get_user_model()._default_manager.filter(last_login__gt=long_ago)
    grants = RoleGrant.objects.filter(user__in=active).values_list("roles", flat=True)
    held = {name for names in grants for name in names}
    unused = [row.value for row in rows if mapped[row.pk][0] < long_ago and row.value not in held]
    if unused:
        yield fault("roles.unused", names=", ".join(unused[:_NAMED]), days=_LONG.days)
