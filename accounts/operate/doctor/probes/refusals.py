"""What people have met in the last hour: some causes are gone when doctor looks, the record stays.

What doctor's own visits leave is not counted.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.db.models import Count, Q
from django.utils import timezone

from accounts.models import SignIn
from accounts.operate.doctor.finding import Seen, fault, well
from accounts.operate.doctor.visit.browser import AGENT
from accounts.reasons import CLAIMABLE_GROUPS, REASONS

if TYPE_CHECKING:
    from collections.abc import Iterator

_RECENT: Final = timedelta(hours=1)
_NO_FAULT: Final = "cancelled"
_NO_ALARM: Final = [code for code, one in REASONS.items() if one.group in CLAIMABLE_GROUPS]
_DETAILS: Final = 2  # of one reason, the most frequent first


def look() -> Iterator[Seen]:
    """Each reason met lately."""
    by_reason: dict[str, list[dict[str, Any]]] = {}
    for row in _rows():
        by_reason.setdefault(row["reason"], []).append(row)
    if not by_reason:
        yield well("refusals.none")
    for code, rows in by_reason.items():
        yield _met(code, rows)


def _rows() -> Any:
    """Counted by the database; the index on refused rows bounds what it reads."""
    refused = SignIn.objects.filter(
        outcome=SignIn.Outcome.REFUSED, at__gte=timezone.now() - _RECENT, reason__in=REASONS
    ).exclude(user_agent=AGENT)
    # Of what a browser alone claims, only what is no alarm is told.
    claimed = Q(source=SignIn.Source.BROWSER) & ~Q(reason__in=_NO_ALARM)
    counted = refused.exclude(claimed).exclude(reason=_NO_FAULT).values("reason", "detail")
    return counted.annotate(n=Count("pk")).order_by("-n", "reason", "detail")


def _met(code: str, rows: list[dict[str, Any]]) -> Seen:
    number = sum(row["n"] for row in rows)
    details = "; ".join(row["detail"] for row in rows[:_DETAILS] if row["detail"])
    return fault(
        f"refusals.{code}",
        times="once" if number == 1 else f"{number} times",
        details=f"({details})" if details else "",
    )
