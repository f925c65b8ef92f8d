"""Take what names a person out of the audit; what was done stays, and so does the proof of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..models import AuditText
from .record import write

if TYPE_CHECKING:
    from .actor import Actor

_EACH: Final = 200  # as many as an entry keeps of a list


def erase(person: str, *, note: str = "", by: Actor | None = None) -> int:
    """Erase the texts about the person of this primary key; returns how many.

    The entry that says so lists them by entry and role, names nobody, and is what `verify` accounts
    for them with. To be called in a transaction.
    """
    texts = AuditText.objects.filter(person=person)
    erased = [[str(entry), role] for entry, role in texts.values_list("entry_id", "role")]
    texts.delete()
    for start in range(0, max(len(erased), 1), _EACH):
        after = {"person": person, "erased": erased[start : start + _EACH]}
        write("person.erased", after=after, note=note, by=by)
    return len(erased)
