"""Which optional claims the tokens of the last sign-ins lacked: by name, no value is stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.db.models import QuerySet

from ....models import SignIn
from ...optional_claims import wanted
from ..finding import Observation, fault, ok

_LAST: Final = 10  # sign-ins: one may be of a person without a mailbox, ten show the registration
_NEEDED: Final = ("xms_edov", "auth_time", "acrs")


def run() -> Iterator[Observation]:
    """The claims that every one of the last tokens lacked."""
    admitted = SignIn.objects.filter(
        outcome=SignIn.Outcome.ADMITTED, method=SignIn.Method.MICROSOFT
    )
    last = _lacking_claims(admitted, _LAST)
    if not last:
        return
    expected = [name for name in wanted() if name != "acrs"]
    missing = [name for name in expected if all(name in lacking for lacking in last)]
    # acrs is in a token only when it was asked for, which only a step-up does.
    step_ups = SignIn.objects.filter(reason="step_up_failed")
    if "acrs" in wanted() and any("acrs" in lacking for lacking in _lacking_claims(step_ups, 1)):
        missing.append("acrs")
    if not missing:
        yield ok("claims.lacking", count=len(last), names=", ".join(expected))
    for id_, names in (
        ("claims.lacking", [name for name in missing if name not in _NEEDED]),
        ("claims.needed", [name for name in missing if name in _NEEDED]),
    ):
        if names:
            yield fault(id_, names=", ".join(names), count=len(last))


def _lacking_claims(rows: QuerySet[SignIn], last: int) -> list[set[str]]:
    texts = rows.order_by("-at").values_list("lacking_claims", flat=True)[:last]
    return [set(text.split()) for text in texts]
