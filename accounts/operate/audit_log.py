"""Query the audit, for lists, exports and the command."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q, QuerySet

from ..audit.actions import ACTIONS
from ..display.references import parse_reference
from ..ids import is_guid
from ..models import AuditEntry, AuditText
from . import OperatorError
from .sign_ins import reference_of, since_of

COLUMNS: Final = (
    "at",
    "action",
    "who",
    "who_kind",
    "from",
    "subject",
    "subject_kind",
    "subject_key",
    "before",
    "after",
    "note",
    "reference",
    "seal",
)
_ERASED: Final = "(erased)"
_CHUNK: Final = 1000


def query(
    *, since: str = "", action: str = "", person: str = "", reference: str = ""
) -> QuerySet[AuditEntry]:
    """The entries, newest first; an empty argument is no filter. Raises OperatorError.

    `person` is the actor or the subject.
    """
    if action and not any(name.startswith(action) for name in ACTIONS):
        raise OperatorError(f"{action!r} is no action. They are: {', '.join(ACTIONS)}.")
    wanted = {
        "at__gte": since_of(since),
        "action__startswith": action,
        "reference": reference_of(reference),
    }
    entries = AuditEntry.objects.filter(**{name: v for name, v in wanted.items() if v})
    return naming(entries, person).order_by("-at")


def naming(entries: QuerySet[AuditEntry], text: str) -> QuerySet[AuditEntry]:
    """Entries of this reference, or else whose actor or subject has this in its name or as its key.

    Keys are searched only for what could be one: with that "or", no index is used.
    """
    if not text:
        return entries
    if (reference := parse_reference(text)) and (
        found := entries.filter(reference=reference)
    ).exists():
        return found
    named = Exists(AuditText.objects.filter(entry=OuterRef("pk"), name__icontains=text))
    is_key = text.isdecimal() or is_guid(text)
    return entries.filter(named | Q(subject_key=text) | Q(actor_key=text) if is_key else named)


def stream(entries: QuerySet[AuditEntry]) -> Iterator[dict[str, Any]]:
    """The entries as plain values, read in chunks."""
    found = entries.select_related("seal").prefetch_related("parts")
    for entry in found.iterator(chunk_size=_CHUNK):
        yield as_values(entry)


def as_values(entry: AuditEntry) -> dict[str, Any]:
    """One entry by COLUMNS."""
    parts = {part.role: part for part in entry.parts.all()}
    actor, subject = parts.get("actor"), parts.get("subject")
    content: Mapping[str, Any] = subject.content if subject else {}
    seal = getattr(entry, "seal", None)
    return {
        "at": entry.at,
        "action": entry.action,
        "who": (actor.name or entry.actor_key) if actor else _ERASED,
        "who_kind": str(entry.actor_kind),
        "from": ", ".join(str(v) for v in actor.content.values() if v) if actor else "",
        "subject": subject.name if subject else _ERASED,
        "subject_kind": entry.subject_kind,
        "subject_key": entry.subject_key,
        "before": in_words(content.get("before")),
        "after": in_words(content.get("after")),
        "note": content.get("note", ""),
        "reference": entry.reference,
        "seal": str(seal or ""),
    }


def in_words(facts: Mapping[str, Any] | None) -> str:
    """Such as "is_superuser: True; name: Ada"."""
    return "; ".join(f"{name}: {_text(value)}" for name, value in sorted((facts or {}).items()))


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
