"""How people stand: can they sign in, have they ever, were they refused lately and why.

Asked for a page of people at a time: three queries, however many they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from typing_extensions import override

from .. import users
from ..models import SignIn

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet

    from ..models import User

LATELY: Final = timedelta(days=30)
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)

Kind = Literal["can_sign_in", "never", "refused", "off"]


@dataclass(frozen=True, slots=True)
class State:
    """`reason` is the code of the refusal that stands, `at` and `reference` when and which."""

    kind: Kind
    reason: str = ""
    at: datetime | None = None
    reference: str = ""

    @override
    def __str__(self) -> str:
        return {
            "can_sign_in": "can sign in",
            "never": "has never signed in",
            "refused": f"refused lately: {self.reason}",
            "off": f"switched off: {self.reason}",
        }[self.kind]


def state_of(user: User) -> State:
    """How one person stands."""
    return states_of([user])[user.pk]


def states_of(users: Iterable[User]) -> dict[Any, State]:
    """How these people stand, by primary key."""
    people = list(users)
    refusals = _last_refusals([user.pk for user in people])
    return {user.pk: _state(user, refusals.get(user.pk)) for user in people}


def _state(user: User, refusal: SignIn | None) -> State:
    if not user.is_active:
        return State("off", "user_inactive")
    if not users.is_staff(user):
        return State("off", "user_not_staff")
    if refusal is not None:
        return State("refused", refusal.reason, refusal.at, refusal.reference)
    return State("can_sign_in" if user.last_login else "never")


def _last_refusals(keys: list[Any]) -> dict[Any, SignIn]:
    """The newest refusal since each person's last sign-in, by their user or their email."""
    latest = (
        users.everyone()
        .filter(pk__in=keys)
        .annotate(
            by_user=_newest(Q(user=OuterRef("pk"))),
            by_email=_newest(Q(email__iexact=OuterRef(users.email_field()))),
        )
    )
    found = {pk: ids for pk, *ids in latest.values_list("pk", "by_user", "by_email")}
    rows = SignIn.objects.in_bulk([key for ids in found.values() for key in ids if key])
    newest = {pk: [rows[key] for key in ids if key in rows] for pk, ids in found.items()}
    return {pk: max(rows, key=_when) for pk, rows in newest.items() if rows}


def _newest(whose: Q) -> Subquery:
    """One index look-up each: by (user, at) or by (upper(email), at)."""
    rows: QuerySet[SignIn] = SignIn.objects.filter(
        whose,
        outcome=SignIn.Outcome.REFUSED,
        at__gt=timezone.now() - LATELY,
    )
    rows = rows.filter(at__gt=Coalesce(OuterRef("last_login"), _NEVER))
    return Subquery(rows.order_by(F("at").desc()).values("pk")[:1])


def _when(row: SignIn) -> datetime:
    return row.at
