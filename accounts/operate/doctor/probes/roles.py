"""App roles: whether tokens still carry them, and whether what is mapped still means anything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.utils import timezone

from ....models import AuditEntry, RoleGrant, RoleMapping, SignIn
from ..finding import Observation, fault, ok

_LAST: Final = 10  # sign-ins looked at
_ENOUGH: Final = 3  # one person may have no role; three in a row are the registration
_MONTHS: Final = timedelta(days=90)
_NAMED: Final = 5


def run() -> Iterator[Observation]:
    """Nothing is said where nothing is mapped."""
    rows = list(RoleMapping.objects.prefetch_related("groups"))
    if not rows:
        return
    mapped = _last_mapped(rows)
    yield from _sign_ins(min(at for at, _groups in mapped.values()))
    yield from _gone(rows, mapped)
    yield from _unused(rows, mapped)


def _last_mapped(rows: Sequence[RoleMapping]) -> dict[int, tuple[datetime, list[str]]]:
    """When each was mapped last, and to which groups; in the first days for one of no audit."""
    entries = AuditEntry.objects.filter(
        action="role.mapped", subject_key__in=[str(row.pk) for row in rows]
    )
    found = {row.pk: (timezone.now() - 2 * _MONTHS, list[str]()) for row in rows}
    for entry in entries.order_by("at").prefetch_related("parts"):
        subject: Any = next((p.content for p in entry.parts.all() if p.role == "subject"), {})
        groups = (subject.get("after") or {}).get("groups") or []
        found[int(entry.subject_key)] = (entry.at, groups)
    return found


def _sign_ins(since: datetime) -> Iterator[Observation]:
    """What the last sign-ins since there is a mapping brought, by what is remembered of each."""
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


def _gone(
    rows: Sequence[RoleMapping], mapped: dict[int, tuple[datetime, list[str]]]
) -> Iterator[Observation]:
    for row in rows:
        now = {group.name for group in row.groups.all()}
        before = mapped[row.pk][1]
        if len(now) < len(before):
            gone = ", ".join(sorted(set(before) - now))
            yield fault("roles.group_gone", role=row.value, groups=gone)


def _unused(
    rows: Sequence[RoleMapping], mapped: dict[int, tuple[datetime, list[str]]]
) -> Iterator[Observation]:
    """Mapped for months, and no one who came within them has it."""
    long_ago = timezone.now() - _MONTHS
    came = get_user_model()._default_manager.filter(last_login__gt=long_ago)
    grants = RoleGrant.objects.filter(user__in=came).values_list("roles", flat=True)
    carried = {name for names in grants for name in names}
    unused = [r.value for r in rows if mapped[r.pk][0] < long_ago and r.value not in carried]
    if unused:
        yield fault("roles.unused", names=", ".join(unused[:_NAMED]), days=_MONTHS.days)
