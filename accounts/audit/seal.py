"""Chain committed entries up: each link covers its entry and, by digest, all links before it.

Sealing comes after the commit, in a short transaction of its own. In the transaction of the change
it would make every change wait for every other, and sign-ins with them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
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
# A transaction is ended by the server long before: what is older was seen by an earlier sealing.
_STRAGGLERS: Final = timedelta(hours=1)


def seal_pending(*, every: bool = False) -> int:
    """Seal what is committed and not sealed yet; returns how many. `every`: however old it is."""
    sealed = 0
    for _attempt in range(_TRIES):
        try:
            with transaction.atomic():
                made = _seal_batch(every=every)
        except IntegrityError:  # another process took these numbers: look again
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
        entries = entries.filter(at__gt=last.entry.at - _STRAGGLERS)
    seals = list(_links(last, list(entries[:_BATCH])))
    AuditSeal.objects.bulk_create(seals)
    return len(seals)


def _links(last: AuditSeal | None, entries: list[AuditEntry]) -> Iterator[AuditSeal]:
    for entry in entries:
        if not _is_ours(entry):
            continue
        last = _link(last, entry)
        yield last


def _is_ours(entry: AuditEntry) -> bool:
    """A row that someone put into the table by hand gets no link: `verify` reports it."""
    if chain.is_signed(chain.entry_bytes(entry), entry.key_id, entry.mac):
        return True
    logger.error("audit entry not written by this site", extra={"entry": str(entry.id)})
    return False


def _link(last: AuditSeal | None, entry: AuditEntry) -> AuditSeal:
    seq = last.seq + 1 if last else 1
    seal = AuditSeal(seq=seq, entry=entry, vouched=last is None or _is_signed(last))
    seal.digest = chain.link_digest(last.digest if last else "", seq, entry)
    seal.key_id, seal.mac = chain.sign(chain.seal_bytes(seal))
    return seal


def _is_signed(seal: AuditSeal) -> bool:
    return bool(chain.is_signed(chain.seal_bytes(seal), seal.key_id, seal.mac))
