"""A person's account status: can they sign in, have they ever, were they refused recently and why.

A refusal whose cause is gone (there was no user, they were inactive, the identity was linked
since) is left out. Three queries, however many people are asked about.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from allauth.socialaccount.models import SocialAccount
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Upper
from django.utils import timezone
from typing_extensions import override

from .. import users
from ..display import local_time
from ..models import SignIn, User
from ..signin.identities import PROVIDER

_RECENT: Final = timedelta(days=30)
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
# What is_active, is_staff and the user's existence say as of now.
_OUTDATED: Final = ("unknown_user", "user_inactive", "user_not_staff", "cancelled")

Kind = Literal["can_sign_in", "never", "refused", "off"]


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """`reason` is the code of the last refusal, `at` and `reference` its time and reference."""

    kind: Kind
    reason: str = ""
    at: datetime | None = None
    reference: str = ""

    @override
    def __str__(self) -> str:
        return {
            "can_sign_in": "can sign in",
            "never": "not yet signed in",
            "refused": f"refused lately: {self.reason}",
            "off": f"switched off: {self.reason}",
        }[self.kind]


def status_of(user: User) -> AccountStatus:
    """The status of one person."""
    return statuses_of([user])[user.pk]


def statuses_of(users: Iterable[User]) -> dict[Any, AccountStatus]:
    """Their statuses, by primary key."""
    people = list(users)
    refusals = _last_refusals([user.pk for user in people])
    return {user.pk: _status(user, refusals.get(user.pk)) for user in people}


def _status(user: User, refusal: SignIn | None) -> AccountStatus:
    if not user.is_active:
        return AccountStatus("off", "user_inactive")
    if not users.is_staff(user):
        return AccountStatus("off", "user_not_staff")
    if refusal is not None:
        return AccountStatus("refused", refusal.reason, refusal.at, refusal.reference)
    return AccountStatus("can_sign_in" if user.last_login else "never")


def never_signed_in(people: QuerySet[Any]) -> QuerySet[Any]:
    """Those of these who may sign in, never have, and were not refused recently."""
    waiting = _may_sign_in(people).filter(last_login__isnull=True)
    return waiting.exclude(refused_lately(waiting))


def refused_lately(people: QuerySet[Any]) -> Q:
    """Those of these whose status is "refused", as a condition on primary keys."""
    rows = _recent_refusals()
    keys = set(rows.filter(user__isnull=False).values_list("user", flat=True))
    emails = set(rows.exclude(email="").values_list(Upper("email"), flat=True))
    able = _may_sign_in(people).annotate(upper_email=Upper(users.email_field()))
    concerned = able.filter(Q(pk__in=keys) | Q(upper_email__in=emails))
    found = _last_refusals(list(concerned.values_list("pk", flat=True)))
    return Q(pk__in=list(found))


def idle_for(people: QuerySet[Any], days: int) -> QuerySet[Any]:
    """Those of these who may sign in, and have not for so many days, or never have."""
    since = timezone.now() - timedelta(days=days)
    long_ago = Q(last_login__lt=since)
    if users.has_field("date_joined"):
        long_ago |= Q(last_login__isnull=True, date_joined__lt=since)
    return _may_sign_in(people).filter(long_ago)


def _may_sign_in(people: QuerySet[Any]) -> QuerySet[Any]:
    return users.with_flags(people, is_active=True, is_staff=True)


def _last_refusals(keys: list[Any]) -> dict[Any, SignIn]:
    """The newest refusal since each person's last sign-in, by their user or their email."""
    latest = (
        users.everyone()
        .filter(pk__in=keys)
        .annotate(
            refused_by_user=_newest(Q(user=OuterRef("pk"))),
            refused_by_email=_newest(Q(email__iexact=OuterRef(users.email_field()))),
        )
    )
    found = {
        pk: ids for pk, *ids in latest.values_list("pk", "refused_by_user", "refused_by_email")
    }
    rows = SignIn.objects.in_bulk([key for ids in found.values() for key in ids if key])
    newest = {pk: [rows[key] for key in ids if key in rows] for pk, ids in found.items()}
    return {pk: max(rows, key=lambda row: row.at) for pk, rows in newest.items() if rows}


def _recent_refusals() -> QuerySet[SignIn]:
    rows = SignIn.objects.filter(outcome=SignIn.Outcome.REFUSED, at__gt=timezone.now() - _RECENT)
    return rows.exclude(reason__in=_OUTDATED)


def _newest(whose: Q) -> Subquery:
    """One index look-up each: by (user, at) or by (upper(email), at)."""
    never = local_time.as_stored(_LONG_AGO)
    rows = _recent_refusals().filter(whose, at__gt=Coalesce(OuterRef("last_login"), never))
    if users.has_field("date_joined"):
        rows = rows.filter(at__gt=OuterRef("date_joined"))
    linked = SocialAccount.objects.filter(provider=PROVIDER, user=OuterRef(OuterRef("pk")))
    since = Subquery(linked.order_by("-date_joined").values("date_joined")[:1])
    rows = rows.exclude(reason="identity_conflict", at__lt=Coalesce(since, never))
    return Subquery(rows.order_by(F("at").desc()).values("pk")[:1])
