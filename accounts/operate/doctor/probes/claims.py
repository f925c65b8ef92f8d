"""Which optional claims the tokens of the last sign-ins lacked: by name, no value is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from ....models import SignIn
from ...optional_claims import wanted
from ..finding import Observation, fault, well

_LAST: Final = 10  # sign-ins: one person may have no mailbox, ten are the registration
_NEEDED: Final = ("xms_edov", "auth_time", "acrs")


def run() -> Iterator[Observation]:
    """Those of the registration in force; what every one of the last lacked."""
    last = list(_of_sign_ins())
    if not last:
        return
    asked = [name for name in wanted() if name != "acrs"]
    missing = [name for name in asked if all(name in one for one in last)]
    if "acrs" in wanted() and any("acrs" in one for one in _of_failed_step_ups()):
        missing.append("acrs")
    if not missing:
        yield well("claims.lacking", count=len(last), names=", ".join(asked))
    for id_, chosen in (
        ("claims.lacking", [name for name in missing if name not in _NEEDED]),
        ("claims.needed", [name for name in missing if name in _NEEDED]),
    ):
        if chosen:
            yield fault(id_, names=", ".join(chosen), count=len(last))


def _of_sign_ins() -> Iterable[set[str]]:
    rows = SignIn.objects.filter(
        outcome=SignIn.Outcome.ADMITTED, method=SignIn.Method.MICROSOFT
    ).order_by("-at")
    return _names(rows.values_list("lacking_claims", flat=True)[:_LAST])


def _of_failed_step_ups() -> Iterable[set[str]]:
    """A context is in the token when it was asked for, which only a step-up does."""
    rows = SignIn.objects.filter(reason="step_up_failed").order_by("-at")
    return _names(rows.values_list("lacking_claims", flat=True)[:1])


def _names(texts: Iterable[str]) -> Iterable[set[str]]:
    return (set(text.split()) for text in texts)
