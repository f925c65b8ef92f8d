"""Verify the audit: every link, entry and text, in constant memory.

A chain cannot show that its newest links were deleted: `head` can be compared with one that was
noted elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import Prefetch

from ..models import AuditEntry, AuditSeal, AuditText
from . import chain, seal

_CHUNK: Final = 500
MOST: Final = 100


@dataclass(frozen=True, slots=True)
class Problem:
    """`id` stays the same, so that it can be acknowledged."""

    id: str
    text: str


@dataclass(slots=True)
class Verdict:
    """The result; `head` is "number:digest" of the newest link, `erased` counts texts."""

    entries: int = 0
    erased: int = 0
    pending: int = 0
    head: str = ""
    problems: list[Problem] = field(default_factory=list)
    acknowledged: int = 0

    @property
    def whole(self) -> bool:
        """Whether all problems, if any, are acknowledged."""
        return not self.problems


def verify(expected_head: str = "") -> Verdict:
    """Verify everything; `expected_head` ("number:digest") must be a link of the chain."""
    seal.seal_pending(every=True)
    verdict = Verdict()
    known = _acknowledged()
    for problem in _problems(verdict, expected_head):
        if problem.id in known:
            verdict.acknowledged += 1
        elif len(verdict.problems) < MOST:
            verdict.problems.append(problem)
    return verdict


def _problems(verdict: Verdict, expected_head: str) -> Iterator[Problem]:
    erased = _erased()
    before, unknown_key = "", 0
    seen = not expected_head
    for number, link in enumerate(_links(), start=verdict.entries + 1):
        if link.seq != verdict.entries + 1:
            yield Problem(f"gap:{link.seq}", f"Links {number} to {link.seq - 1} are missing.")
        verdict.entries = link.seq
        yield from _check_link(link, before)
        yield from _check_texts(link.entry, erased, verdict)
        unknown_key = _unknown_since(link, unknown_key)
        before, verdict.head = link.digest, str(link)
        seen = seen or verdict.head == expected_head
    if unknown_key:
        text = "The newest links are signed with a key that is neither SECRET_KEY nor a fallback."
        yield Problem(f"key:{unknown_key}", text)
    if not seen:
        yield Problem(f"head:{expected_head}", f"No link {expected_head}: links were taken away.")
    yield from _check_unsealed(verdict)


def _check_link(link: AuditSeal, before: str) -> Iterator[Problem]:
    name = f"Link {link.seq}"
    if chain.link_digest(before, link.seq, link.entry) != link.digest:
        yield Problem(f"digest:{link.seq}", f"{name}: it or its entry was changed or exchanged.")
    if chain.is_signed(link) is False:
        yield Problem(f"mac:{link.seq}", f"{name}: this site did not sign it.")
    if not link.vouched:
        text = "nobody can vouch for the links before it: SECRET_KEY was changed without keeping"
        yield Problem(f"vouched:{link.seq}", f"{name}: {text} the old one, or they were forged.")


def _unknown_since(link: AuditSeal, unknown: int) -> int:
    """The number of the first of the last links that no known key has signed; 0 for none."""
    if chain.is_signed(link) is None:
        return unknown or link.seq
    return 0


def _check_texts(
    entry: AuditEntry, erased: set[tuple[str, str]], verdict: Verdict
) -> Iterator[Problem]:
    texts = {text.role: text for text in entry.parts.all()}
    for role, digest in entry.texts.items():
        where = f"{entry.id}/{role}"
        if role in texts:
            if chain.text_digest(texts[role]) != digest:
                yield Problem(f"text:{where}", f"Entry {entry.id}: its {role} was changed.")
        elif (str(entry.id), role) in erased:
            verdict.erased += 1
        else:
            text = f"Entry {entry.id}: its {role} is missing, and no erasure says so."
            yield Problem(f"text:{where}", text)


def _check_unsealed(verdict: Verdict) -> Iterator[Problem]:
    for entry in seal.pending().iterator(chunk_size=_CHUNK):
        if chain.is_signed(entry):
            verdict.pending += 1
        else:
            text = f"Entry {entry.id} ({entry.action}) was not written by this site."
            yield Problem(f"forged:{entry.id}", text)


def _links() -> Iterator[AuditSeal]:
    """All links, by number, in batches."""
    texts = Prefetch("entry__parts", AuditText.objects.all())
    links = AuditSeal.objects.select_related("entry").prefetch_related(texts).order_by("seq")
    yield from links.iterator(chunk_size=_CHUNK)


def _erased() -> set[tuple[str, str]]:
    """The texts, by entry and role, that recorded erasures list."""
    lists = _recorded("person.erased", "erased")
    return {(str(entry), str(role)) for listed in lists for entry, role in listed}


def _acknowledged() -> set[str]:
    return {str(name) for listed in _recorded("audit.acknowledged", "problems") for name in listed}


def _recorded(action: str, name: str) -> Iterator[list[Any]]:
    """The value `name` after, in each sealed entry of this action whose text is unchanged."""
    entries = AuditEntry.objects.filter(action=action, seal__isnull=False)
    for entry in entries.prefetch_related("parts"):
        for text in entry.parts.all():
            genuine = chain.text_digest(text) == entry.texts.get(text.role)
            if genuine and name in text.content.get("after", {}):
                yield text.content["after"][name]
