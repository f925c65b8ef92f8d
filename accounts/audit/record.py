"""Write an entry in the transaction of the change; log and seal it after the commit.

And erase the texts about a person; the entries stay, and can still be verified.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.db import models

from ..models import AuditEntry, AuditText
from ..stores import transaction
from . import chain
from .actions import ACTIONS
from .actor import Actor, present
from .seal import seal_pending

logger = logging.getLogger("django.security.audit")

_LONGEST: Final = 500
_MOST: Final = 200  # names in a list


def write(
    action: str,
    subject: models.Model | None = None,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    note: str = "",
    reference: str = "",
    by: Actor | None = None,
    about: str = "",
) -> AuditEntry:
    """Add an entry: `action` is one of ACTIONS, `subject` whom or what it was done to.

    `about` is the key of a person whom the entry names, but who is not its subject. To be called in
    the transaction of the change. Raises ValueError for an unknown action.
    """
    if action not in ACTIONS:
        raise ValueError(f"{action!r} is no action of the audit.")
    around = present()
    actor = by or around.actor()
    values = {"before": before, "after": after, "note": note or around.note}
    content = {name: value for name, value in values.items() if value}
    person = str(subject.pk) if isinstance(subject, get_user_model()) else about
    name = str(subject) if subject else ""
    entry = AuditEntry(
        action=action,
        actor_kind=actor.kind,
        actor_key=actor.key,
        subject_kind=subject._meta.label_lower if subject else "",
        subject_key=str(subject.pk)[:64] if subject else "",
        reference=reference or around.reference or around.new_reference(),
    )
    texts = [
        _text(entry, AuditText.Role.ACTOR, actor.key, actor.name, dict(actor.facts)),
        _text(entry, AuditText.Role.SUBJECT, person, name, content),
    ]
    _save(entry, texts)
    transaction.on_commit(lambda: _committed(entry, texts), robust=True)
    return entry


def erase(person: str, *, note: str = "", by: Actor | None = None) -> int:
    """Erase the texts about the person of this primary key; returns how many.

    An entry lists them by entry and role, for `verify`. To be called in a transaction.
    """
    texts = AuditText.objects.filter(person=person)
    erased = [[str(entry), role] for entry, role in texts.values_list("entry_id", "role")]
    texts.delete()
    for start in range(0, max(len(erased), 1), _MOST):
        after = {"person": person, "erased": erased[start : start + _MOST]}
        write("person.erased", after=after, note=note, by=by)
    return len(erased)


def _text(
    entry: AuditEntry, role: str, person: str, name: str, content: Mapping[str, Any]
) -> AuditText:
    return AuditText(
        entry=entry,
        role=role,
        person=person[:64],
        name=storable(name)[:254],
        content=as_json(content),
        salt=secrets.token_hex(16),
    )


def _save(entry: AuditEntry, texts: list[AuditText]) -> None:
    entry.texts = {str(text.role): chain.text_digest(text) for text in texts}
    chain.sign(entry)
    with transaction.atomic(savepoint=False):
        entry.save(force_insert=True)
        AuditText.objects.bulk_create(texts)


def _committed(entry: AuditEntry, texts: list[AuditText]) -> None:
    """Log it, and only then seal it, which may fail: the next entry's commit seals both."""
    actor, subject = texts
    facts = {
        "event": "audit",
        "action": entry.action,
        "reference": entry.reference,
        "actor_kind": str(entry.actor_kind),
        "actor": actor.name or entry.actor_key,
        "subject": subject.name,
        "subject_key": entry.subject_key,
        **{f"actor_{name}": value for name, value in actor.content.items()},
        **{name: chain.canonical(v).decode() for name, v in subject.content.items()},
    }
    logger.info("audit %s", entry.action, extra={**facts, "entry": str(entry.id)})
    seal_pending()


def as_json(value: Any) -> Any:
    """The value as a round trip through JSON leaves it, and PostgreSQL can store it."""
    if isinstance(value, dict):
        return {storable(str(key)): as_json(part) for key, part in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [as_json(part) for part in list(value)[:_MOST]]
    if value is None or isinstance(value, (bool, int)):
        return value
    return storable(str(value))


def storable(text: str) -> str:
    """The text without control characters and lone surrogates, of bounded length."""
    printable = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return printable[:_LONGEST]
