"""The sign-in record: query, count, stream, and delete old rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from .. import audit
from ..conf import conf
from ..display import local_time
from ..display.naming import as_set_here
from ..display.references import parse_reference
from ..entra.errors import hint_in
from ..models import SignIn
from ..reasons import REASONS
from . import OperatorError

COLUMNS: Final = (
    "at",
    "outcome",
    "method",
    "reason",
    "reference",
    "user",
    "email",
    "tid",
    "oid",
    "client_ip",
    "host",
    "took_ms",
    "microsoft_ms",
    "detail",
    "source",
    "user_agent",
    "microsoft_request_id",
)
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_CHUNK: Final = 2000


def since_of(text: str) -> datetime | None:
    """The moment that "2h", "7d" or an ISO date or time means. Raises OperatorError."""
    if not text:
        return None
    if match := re.fullmatch(r"(\d{1,5})([mhdw])", text.strip().lower()):
        return timezone.now() - timedelta(**{_UNITS[match[2]]: int(match[1])})
    with suppress(ValueError, OverflowError):
        if moment := parse_datetime(text.strip()):
            return local_time.as_stored(moment)
    raise OperatorError(f"{text!r} is no time; write 30m, 2h, 7d, 2w, or a date as 2030-01-31.")


def query(*, since: str, reason: str, outcome: str, email: str, reference: str) -> QuerySet[SignIn]:
    """The rows, newest first; an empty argument is no filter. Raises OperatorError."""
    if reason and reason not in REASONS:
        raise OperatorError(f"{reason!r} is no reason code. They are: {', '.join(REASONS)}.")
    wanted = {
        "at__gte": since_of(since),
        "reason": reason,
        "outcome": outcome,
        "email__iexact": email,
        "reference": reference_of(reference),
    }
    filters = {field: value for field, value in wanted.items() if value}
    return SignIn.objects.filter(**filters).order_by("-at")


def reference_of(text: str) -> str:
    """The reference that was typed, as the record has it. Raises OperatorError."""
    reference = parse_reference(text)
    if text and not reference:
        raise OperatorError(f"{text!r} is no reference: one looks like BCDF-2345.")
    return reference


def not_in_record(reference: str) -> str:
    """Where to look for a reference that no row has."""
    return (
        f"No sign-in in the record has the reference {reference}. It is in the site's log then:"
        f' search it for "{reference}". Only there are sign-ins that were begun and never came'
        " back, what was refused without a database or in a flood, pages that are no"
        " sign-in (unexpected errors), and what is older than the record is kept."
    )


def stream(rows: QuerySet[SignIn]) -> Iterator[dict[str, Any]]:
    """The rows as plain values, read in chunks."""
    for row in rows.select_related("user").iterator(chunk_size=_CHUNK):
        yield as_values(row)


def as_values(row: SignIn) -> dict[str, Any]:
    """One row as plain values, by COLUMNS; `user` is the email of the user here."""
    values = {name: getattr(row, name) for name in COLUMNS}
    return {**values, "user": row.user.get_username() if row.user else ""}


def counts(rows: QuerySet[SignIn]) -> list[dict[str, Any]]:
    """How many of each outcome and reason, most first."""
    counted = rows.order_by().values("outcome", "reason").annotate(count=Count("pk"))
    return [dict(row) for row in counted.order_by("-count", "outcome", "reason")]


def prune(days: int | None = None, *, batch: int = 1000) -> int:
    """Delete what is older than `days` (SIGN_IN_LOG_DAYS), in small transactions; returns how many.

    Raises OperatorError for less than a day.
    """
    kept = conf.SIGN_IN_LOG_DAYS if days is None else days
    if kept < 1:
        raise OperatorError("Sign-ins are kept for a day at least.")
    old = SignIn.objects.filter(at__lt=timezone.now() - timedelta(days=kept)).order_by("at")
    facts = {"deleted": 0, "kept_days": kept}
    try:
        while keys := list(old.values_list("pk", flat=True)[:batch]):
            facts["deleted"] += SignIn.objects.filter(pk__in=keys).delete()[0]
    except KeyboardInterrupt:
        audit.write("sign_ins.pruned", after=facts)
        raise
    audit.write("sign_ins.pruned", after=facts)
    return facts["deleted"]


def advice(row: SignIn) -> str:
    """What to change: by the AADSTS number, and by the reason."""
    fix = REASONS[row.reason].fix if row.reason in REASONS else ""
    return as_set_here(" ".join(filter(None, (hint(row), fix))))


def hint(row: SignIn) -> str:
    """What the record's detail adds to the reason's fix, or ""."""
    return hint_in(row.detail, row.reason)
