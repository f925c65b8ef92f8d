"""Which optional claims the tokens of the last sign-ins lacked: by name, no value is kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.db.models import QuerySet

from ....models import SignIn
from ...optional_claims import wanted
from ..finding import Observation, fault, ok

_LAST: Final = 10  # sign-ins: one person may have no mailbox, ten are the registration
_NEEDED: Final = ("xms_edov", "auth_time", "acrs")


def run() -> Iterator[Observation]:
    """Those of the registration in force; what every one of the last lacked."""
    admitted = SignIn.objects.filter(
        outcome=SignIn.Outcome.ADMITTED, method=SignIn.Method.MICROSOFT
    )
    last = _lacking(admitted, _LAST)
    if not last:
        return
    asked = [name for name in wanted() if name != "acrs"]
    missing = [name for name in asked if all(name in one for one in last)]
    # A context is in the token when it was asked for, which only a step-up does.
    step_ups = SignIn.objects.filter(reason="step_up_failed")
    if "acrs" in wanted() and any("acrs" in one for one in _lacking(step_ups, 1)):
        missing.append("acrs")
    if not missing:
        yield ok("claims.lacking", count=len(last), names=", ".join(asked))
    for id_, chosen in (
        ("claims.lacking", [name for name in missing if name not in _NEEDED]),
        ("claims.needed", [name for name in missing if name in _NEEDED]),
    ):
        if chosen:
            yield fault(id_, names=", ".join(chosen), count=len(last))


def _lacking(rows: QuerySet[SignIn], last: int) -> list[set[str]]:
    texts = rows.order_by("-at").values_list("lacking_claims", flat=True)[:last]
    return [set(text.split()) for text in texts]
