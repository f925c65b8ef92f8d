"""The refusals of the last hour: a cause may be gone when doctor runs, but the record is not.

Those of doctor's own visits are not counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from django.db.models import Count
from django.utils import timezone

from ....entra.errors import hint_in
from ....ids import AADSTS
from ....models import SignIn
from ....reasons import REASONS
from ..catalogue import ALARMING
from ..finding import Observation, fault, ok
from ..visit.browser import AGENT

_RECENT: Final = timedelta(hours=1)
_NO_FAULT: Final = "cancelled"
_SEVERAL: Final = 3  # refusals; fewer may all be of one person
_DETAILS: Final = 2  # of one reason, the most frequent first


def run() -> Iterator[Observation]:
    """Each reason of the last hour, and whether anybody was admitted meanwhile."""
    rows = list(_rows())
    claimed = [row for row in rows if _is_alarming(row) and _is_claimed(row)]
    others = [row for row in rows if not (_is_alarming(row) and _is_claimed(row))]
    by_reason: dict[str, list[dict[str, Any]]] = {}
    for row in others:
        by_reason.setdefault(row["reason"], []).append(row)
    if not rows:
        yield ok("refusals.none")
    yield from _admitted([row for row in others if _is_alarming(row)])
    yield from (_of_reason(code, refused) for code, refused in by_reason.items())
    if claimed:
        yield fault("refusals.claimed", times=_times(_sum(claimed)), causes=_causes(claimed))


def _is_alarming(row: dict[str, Any]) -> bool:
    return REASONS[row["reason"]].group in ALARMING


def _is_claimed(row: dict[str, Any]) -> bool:
    """Whether only a browser says so."""
    return bool(row["source"] == SignIn.Source.BROWSER)


def _rows() -> Any:
    """Counted by the database; the index on refused rows bounds what it reads."""
    refused = SignIn.objects.filter(
        outcome=SignIn.Outcome.REFUSED, at__gte=timezone.now() - _RECENT, reason__in=REASONS
    ).exclude(user_agent=AGENT)
    counted = refused.exclude(reason=_NO_FAULT).values("reason", "detail", "source")
    return counted.annotate(n=Count("pk")).order_by("-n", "reason", "detail")


def _admitted(alarming: list[dict[str, Any]]) -> Iterator[Observation]:
    """Whether several people were refused by a fault of the site, and nobody was admitted."""
    admitted = SignIn.objects.filter(
        outcome=SignIn.Outcome.ADMITTED,
        method=SignIn.Method.MICROSOFT,
        at__gte=timezone.now() - _RECENT,
    ).count()
    if admitted:
        yield ok("refusals.nobody_admitted", admitted=admitted)
    elif _sum(alarming) >= _SEVERAL:
        yield fault(
            "refusals.nobody_admitted",
            attempts=_sum(alarming),
            causes=_causes(alarming),
            fix=REASONS[alarming[0]["reason"]].fix,
            codes="; ".join(dict.fromkeys(row["reason"] for row in alarming)),
        )


def _of_reason(code: str, rows: list[dict[str, Any]]) -> Observation:
    details = "; ".join(row["detail"] for row in rows[:_DETAILS] if row["detail"])
    times = _times(_sum(rows))
    hints = " ".join(dict.fromkeys(filter(None, map(_hint, rows))))
    details = f"({details})" if details else ""
    return fault(f"refusals.{code}", times=times, details=details, hints=hints)


def _hint(row: dict[str, Any]) -> str:
    """The fix for Microsoft's number; a browser may have forged that."""
    hint = hint_in(row["detail"], row["reason"])
    is_claimed = hint and _is_claimed(row)
    return f"If Microsoft really said so, and nobody forged it: {hint}" if is_claimed else hint


def _causes(rows: list[dict[str, Any]]) -> str:
    """Counted by Microsoft's numbers where there are any: the rest of each answer differs."""
    counted: Counter[str] = Counter()
    for row in rows:
        numbers = " ".join(f"AADSTS{n}" for n in dict.fromkeys(AADSTS.findall(row["detail"])))
        counted[f"{row['reason']} ({numbers or row['detail']})"] += row["n"]
    return "; ".join(f"{_times(n)} {what}" for what, n in counted.most_common(_DETAILS))


def _sum(rows: list[dict[str, Any]]) -> int:
    return sum(row["n"] for row in rows)


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"
