"""What people have met in the last hour: some causes are gone when doctor looks, the record stays.

What doctor's own visits leave is not counted.
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
_SEVERAL: Final = 3  # refusals; fewer may be one person's
_DETAILS: Final = 2  # of one reason, the most frequent first


def run() -> Iterator[Observation]:
    """Each reason met lately, and whether anybody got in meanwhile."""
    by_reason: dict[str, list[dict[str, Any]]] = {}
    claimed: list[dict[str, Any]] = []
    for row in _rows():
        alarming = REASONS[row["reason"]].group in ALARMING
        if alarming and row["source"] == SignIn.Source.BROWSER:
            claimed.append(row)
        else:
            by_reason.setdefault(row["reason"], []).append(row)
    if not by_reason and not claimed:
        yield ok("refusals.none")
    yield from _admitted(by_reason)
    yield from (_met(code, rows) for code, rows in by_reason.items())
    if claimed:
        yield fault("refusals.claimed", times=_times(_sum(claimed)), causes=_causes(claimed))


def _rows() -> Any:
    """Counted by the database; the index on refused rows bounds what it reads."""
    refused = SignIn.objects.filter(
        outcome=SignIn.Outcome.REFUSED, at__gte=timezone.now() - _RECENT, reason__in=REASONS
    ).exclude(user_agent=AGENT)
    counted = refused.exclude(reason=_NO_FAULT).values("reason", "detail", "source")
    return counted.annotate(n=Count("pk")).order_by("-n", "reason", "detail")


def _admitted(by_reason: dict[str, list[dict[str, Any]]]) -> Iterator[Observation]:
    """Evidence before guesses: several were refused for the site's sake, nobody got in."""
    admitted = SignIn.objects.filter(
        outcome=SignIn.Outcome.ADMITTED,
        method=SignIn.Method.MICROSOFT,
        at__gte=timezone.now() - _RECENT,
    ).count()
    alarming = [
        row for code, rows in by_reason.items() if REASONS[code].group in ALARMING for row in rows
    ]
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


def _met(code: str, rows: list[dict[str, Any]]) -> Observation:
    details = "; ".join(row["detail"] for row in rows[:_DETAILS] if row["detail"])
    times = _times(_sum(rows))
    hints = " ".join(dict.fromkeys(filter(None, map(_hint, rows))))
    details = f"({details})" if details else ""
    return fault(f"refusals.{code}", times=times, details=details, hints=hints)


def _hint(row: dict[str, Any]) -> str:
    """What Microsoft's number says to change; where the browser brought it, only if it is true."""
    hint = hint_in(row["detail"], row["reason"])
    claimed = hint and row["source"] == SignIn.Source.BROWSER
    return f"If Microsoft really said so, and nobody made it up: {hint}" if claimed else hint


def _causes(rows: list[dict[str, Any]]) -> str:
    """Counted by Microsoft's numbers where there are some: each answer has traces of its own."""
    counted: Counter[str] = Counter()
    for row in rows:
        numbers = " ".join(f"AADSTS{n}" for n in dict.fromkeys(AADSTS.findall(row["detail"])))
        counted[f"{row['reason']} ({numbers or row['detail']})"] += row["n"]
    return "; ".join(f"{_times(n)} {what}" for what, n in counted.most_common(_DETAILS))


def _sum(rows: list[dict[str, Any]]) -> int:
    return sum(row["n"] for row in rows)


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"
