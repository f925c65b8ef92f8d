"""Find out from refused sign-ins whether the organization has moved to another tenant.

The users are bound in one tenant, and their tokens, which were verified, name another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.utils import timezone

from ..models import SignIn
from ..signin.policy import BOUND_ELSEWHERE
from . import linking
from .moves_file import MOST_LINES

_SINCE: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class MovedPerson:
    """A person bound in one tenant whose last refusal is of another, with linking.differences."""

    old: linking.Identity
    new: linking.Identity
    differs: frozenset[str]

    @property
    def is_alike(self) -> bool:
        """Whether name and address are the same, and only the tenant is another."""
        return self.differs == {"tenant"}


def is_evidence(row: SignIn) -> bool:
    """Whether the record is of a person bound in another tenant."""
    return row.reason == "identity_conflict" and row.detail.startswith(BOUND_ELSEWHERE)


def refused() -> list[MovedPerson]:
    """Everyone refused for it recently and still bound there, if by one new identity only."""
    rows = SignIn.objects.filter(
        reason="identity_conflict",
        detail__startswith=BOUND_ELSEWHERE,
        at__gt=timezone.now() - _SINCE,
        user__isnull=False,
    ).select_related("user")
    newest: dict[Any, SignIn] = {}
    several = set()
    for row in rows.order_by("-at")[: MOST_LINES * 2]:
        known = newest.setdefault(row.user_id, row)
        if (known.tid, known.oid) != (row.tid, row.oid):
            several.add(row.user_id)
    return list(_moved([row for key, row in newest.items() if key not in several]))


def _moved(rows: Sequence[SignIn]) -> Iterator[MovedPerson]:
    bound = linking.of_users([row.user_id for row in rows])
    for row in rows:
        old, new = bound.get(row.user_id), linking.of_sign_in(row)
        if old and row.user and linking.can_relink(row) and old.tid not in ("", new.tid):
            yield MovedPerson(old, new, frozenset(linking.differences(row.user, old, new)))


def as_mapping(found: Sequence[MovedPerson]) -> str:
    """A mapping file of those whose name and address agree; an admin compares the others."""
    alike = (one for one in found if one.is_alike)
    return "\n".join(sorted(f"{one.old.uid},{one.new.uid}" for one in alike))


def tenants(found: Sequence[MovedPerson]) -> str:
    """From which tenant to which, most people first."""
    counted = Counter((one.old.tid, one.new.tid) for one in found)
    return ", ".join(f"{old} -> {new} ({n})" for (old, new), n in counted.most_common(3))
