"""Whether the whole organization has moved to another tenant, told by who was refused since.

Each of them is refused for the same cause: the user is bound in a tenant that is not the one
Microsoft names now. What a record says of them comes from verified tokens.
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
    """A person bound in one tenant, refused from another: the newest of their refusals.

    `differs` is in what the refused identity is not theirs, as linking.differences says.
    """

    old: linking.Identity
    new: linking.Identity
    differs: frozenset[str]

    @property
    def is_alike(self) -> bool:
        """The same name and address, in another tenant: nothing else speaks against it."""
        return self.differs == {"tenant"}


def is_evidence(row: SignIn) -> bool:
    """Whether the record is of somebody bound in another tenant."""
    return row.reason == "identity_conflict" and row.detail.startswith(BOUND_ELSEWHERE)


def refused() -> list[MovedPerson]:
    """Everyone refused for it lately who is bound there still; none whom several claim to be."""
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
    return list(_still([row for key, row in newest.items() if key not in several]))


def _still(rows: Sequence[SignIn]) -> Iterator[MovedPerson]:
    bound = linking.of_users([row.user_id for row in rows])
    for row in rows:
        old, new = bound.get(row.user_id), linking.of_sign_in(row)
        if old and row.user and linking.can_relink(row) and old.tid not in ("", new.tid):
            yield MovedPerson(old, new, frozenset(linking.differences(row.user, old, new)))


def as_mapping(found: Sequence[MovedPerson]) -> str:
    """A mapping file of those whose name and address agree; the others are compared one by one."""
    alike = (one for one in found if one.is_alike)
    return "\n".join(sorted(f"{one.old.uid},{one.new.uid}" for one in alike))


def tenants(found: Sequence[MovedPerson]) -> str:
    """From which tenant to which, most people first."""
    counted = Counter((one.old.tid, one.new.tid) for one in found)
    return ", ".join(f"{old} -> {new} ({n})" for (old, new), n in counted.most_common(3))
