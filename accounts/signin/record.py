"""Write the sign-in record and the log line, with the same facts."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

from django.db import Error

from .. import telemetry
from ..entra.claims import Claims, lacking
from ..models import SignIn
from ..reasons import Refused
from .policy import claimed_email

logger = logging.getLogger("django.security.sign_in")


class RecordNotWritten(Exception):
    """The row could not be written, which must not keep an admitted person out."""


@dataclass(slots=True)
class Attempt:
    """What is known of an attempt so far; times in milliseconds."""

    reference: str
    client_ip: str | None = None
    user_agent: str = ""
    host: str = ""
    method: str = SignIn.Method.MICROSOFT
    email: str = ""
    tid: str = ""
    oid: str = ""
    name: str = ""
    microsoft_ms: int = 0
    request_id: str = field(default_factory=lambda: str(uuid4()))  # sent to Microsoft
    process: str = ""
    lacking: tuple[str, ...] = ()  # optional claims, by name
    began: float = field(default_factory=time.monotonic)

    def identify(self, claims: Claims) -> None:
        """Note whom the token names, for the record."""
        self.email, self.tid, self.oid = claimed_email(claims), claims.tid, claims.oid
        self.name, self.lacking = claims.name, lacking(claims)

    @property
    def took_ms(self) -> int:
        """Milliseconds since the attempt reached this process."""
        return round((time.monotonic() - self.began) * 1000)


def started(attempt: Attempt, reference: str) -> None:
    """Log that someone was sent to Microsoft; their state has the reference."""
    attempt.reference = reference
    facts = {"event": "sign_in_started", "reference": reference, "served_by": attempt.process}
    logger.info("sign-in started", extra={**facts, "client_ip": attempt.client_ip})


def admitted(attempt: Attempt, user_id: Any, note: str = "", *, written: bool = True) -> SignIn:
    """Write the row of a person who is being let in; call `log` after the commit.

    Raises RecordNotWritten: start the transaction anew then, with `written` off, and only the log
    has the facts.
    """
    row = _row(attempt, SignIn.Outcome.ADMITTED, note, user_id)
    by_microsoft = attempt.method == SignIn.Method.MICROSOFT
    row.source = SignIn.Source.MICROSOFT if by_microsoft else SignIn.Source.HERE
    if not written:
        logger.error("sign-in record not written", extra={"reference": attempt.reference})
        return row
    try:
        row.save(force_insert=True)
    except Error as error:
        raise RecordNotWritten from error
    return row


def admit(attempt: Attempt, user_id: Any) -> None:
    """Record a person who is signed in already, whether or not the row can be written."""
    try:
        row = admitted(attempt, user_id)
    except RecordNotWritten:
        row = admitted(attempt, user_id, written=False)
    log(row, attempt)


def refused(attempt: Attempt, refusal: Refused, *, keep: bool = True) -> None:
    """Record a refusal; without the database only the log has it.

    `keep` off writes the log line only: a flood would fill the table.
    """
    number = f"AADSTS{refusal.aadsts} " if refusal.aadsts is not None else ""
    detail = number + refusal.detail
    row = _row(attempt, SignIn.Outcome.REFUSED, detail, refusal.user_id)
    row.reason, row.source = refusal.reason.code, refusal.source
    if keep:
        with _logged_if_it_fails(row):
            row.save(force_insert=True)
    log(row, attempt, logging.ERROR if refusal.reason.status >= 500 else logging.WARNING)


def not_kept(number: int, window: int) -> None:
    """Write or update the one row that counts this window's attempts without a row of their own."""
    detail = (
        f"rows: at least {number} more attempts by outsiders within ten minutes were not kept;"
        " the log has each of them"
    )
    row = _row(Attempt(reference=f"R-{window}"), SignIn.Outcome.REFUSED, detail, None)
    row.reason = "too_many_attempts"
    with _logged_if_it_fails(row):
        if not SignIn.objects.filter(reference=row.reference).update(detail=row.detail):
            row.save(force_insert=True)


def log(row: SignIn, attempt: Attempt, level: int = logging.INFO) -> None:
    """Log the row's facts as structured fields, and count it."""
    logger.log(level, "sign-in %s", row.outcome, extra=_fields(row, attempt))
    telemetry.count_sign_in(str(row.outcome), row.reason, str(row.method))


@contextmanager
def _logged_if_it_fails(row: SignIn) -> Iterator[None]:
    try:
        yield
    except Error:
        logger.exception("sign-in record not written", extra={"reference": row.reference})


def _row(attempt: Attempt, outcome: str, detail: str, user_id: Any) -> SignIn:
    return SignIn(
        outcome=outcome,
        method=attempt.method,
        detail=detail[:500],
        reference=attempt.reference,
        user_id=user_id,
        email=printable(attempt.email, 254),
        claimed_name=printable(attempt.name, 150),
        tid=attempt.tid[:36],
        oid=attempt.oid[:36],
        client_ip=attempt.client_ip,
        user_agent=printable(attempt.user_agent, 256),
        host=printable(attempt.host, 255),
        took_ms=attempt.took_ms,
        microsoft_ms=attempt.microsoft_ms,
        microsoft_request_id=attempt.request_id if attempt.microsoft_ms else "",
        lacking_claims=" ".join(attempt.lacking),
    )


def printable(text: str, longest: int) -> str:
    """Text from outside, safe to store and show.

    PostgreSQL stores neither NUL nor lone surrogates; control characters could forge log lines.
    """
    printable = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return printable[:longest]


_LOGGED: Final = (
    *("outcome", "method", "reason", "detail", "source", "reference", "user_id", "email"),
    *("tid", "oid", "client_ip", "user_agent", "host", "took_ms", "microsoft_ms"),
)


def _fields(record: SignIn, attempt: Attempt) -> dict[str, Any]:
    facts = {name: getattr(record, name) for name in _LOGGED}
    sent = {"microsoft_request_id": attempt.request_id, "served_by": attempt.process}
    return {"event": "sign_in", **facts, **sent}
