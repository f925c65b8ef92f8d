"""Chain committed entries: each link covers its entry and, by digest, all links before it.

Entries are sealed after the commit, in a short transaction of their own: in that of the change all
changes, and sign-ins, would wait for each other.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final

from django.db import IntegrityError
from django.db.models import QuerySet

from ..models import AuditEntry, AuditSeal
from ..stores import transaction
from . import chain

logger = logging.getLogger("django.security.audit")

_TRIES: Final = 20
_BATCH: Final = 200
# No transaction lasts so long: older entries were committed when the last link was made.
_LATEST_COMMIT: Final = timedelta(hours=1)


def seal_pending(*, every: bool = False) -> int:
    """Seal committed entries; returns how many. `every`: also those that are older than an hour."""
    sealed = 0
    for _attempt in range(_TRIES):
        try:
            with transaction.atomic():
                made = _seal_batch(every=every)
        except IntegrityError:  # another process took these numbers
            continue
        sealed += made
        if made < _BATCH:
            break
    return sealed


def head() -> AuditSeal | None:
    """The newest link."""
    return AuditSeal.objects.select_related("entry").order_by("-seq").first()


def pending() -> QuerySet[AuditEntry]:
    """Committed entries without a link, oldest first."""
    return AuditEntry.objects.filter(seal=None).order_by("at", "id")


def _seal_batch(*, every: bool) -> int:
    last, entries = head(), pending()
    if last is not None and not every:
        entries = entries.filter(at__gt=last.entry.at - _LATEST_COMMIT)
    seals = list(_links(last, entries[:_BATCH]))
    AuditSeal.objects.bulk_create(seals)
    return len(seals)


def _links(last: AuditSeal | None, entries: Iterable[AuditEntry]) -> Iterator[AuditSeal]:
    for entry in entries:
        if chain.is_signed(entry):
            last = _link(last, entry)
            yield last
        else:  # inserted by hand: `verify` reports it
            logger.error("audit entry not written by this site", extra={"entry": str(entry.id)})


def _link(last: AuditSeal | None, entry: AuditEntry) -> AuditSeal:
    seq = last.seq + 1 if last else 1
    vouched = last is None or bool(chain.is_signed(last))
    seal = AuditSeal(seq=seq, entry=entry, vouched=vouched)
    seal.digest = chain.link_digest(last.digest if last else "", seq, entry)
    chain.sign(seal)
    return seal
