"""What a probe saw, by id and facts, and the finding that the catalogue makes of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.utils.translation import gettext

from ...display.naming import as_set_here
from ...entra.errors import hint_for, hint_in
from ...http.causes import NoAnswer
from ...reasons import REASONS, Refused
from ..microsoft_app import label_in_words
from .catalogue import Entry, Level, entry_of


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing that was looked at: the entry of this id applies with these facts, or `ok`."""

    id: str
    facts: Mapping[str, Any]
    ok: bool = False


def ok(id_: str, **facts: Any) -> Observation:
    """Looked at, and as it should be."""
    return Observation(id_, facts, ok=True)


def fault(id_: str, **facts: Any) -> Observation:
    """The fault of this id, with the facts that its words name."""
    return Observation(id_, facts)


def verdict(id_: str, is_ok: bool, **facts: Any) -> Observation:
    """As it should be, or the fault of this id."""
    return Observation(id_, facts, ok=is_ok)


def because(refusal: Refused) -> dict[str, str]:
    """The facts of a refusal, in the words of the one table of reasons."""
    reason = refusal.reason
    operator = gettext(reason.operator)
    number = f"AADSTS{refusal.aadsts}" if refusal.aadsts is not None else ""
    told = refusal.detail if number in refusal.detail else f"{number} {refusal.detail}".strip()
    return {
        "code": reason.code,
        "why": f"{operator} ({told})" if told else operator,
        "reason_fix": _advice(refusal),
    }


def _advice(refusal: Refused) -> str:
    """By the typed cause, where there is one; else by Microsoft's number and the reason."""
    if isinstance(refusal, NoAnswer) and refusal.advice:
        return gettext(refusal.advice)
    hint = hint_for(refusal.aadsts) or hint_in(refusal.detail, refusal.reason.code)
    asks_here = bool(hint) and refusal.reason.code == "misconfigured"  # its own is to run doctor
    told = filter(None, (hint, "" if asks_here else refusal.reason.fix))
    return " ".join(map(gettext, told))


@dataclass(frozen=True, slots=True)
class Finding:
    """What is said of one thing: how bad, what is wrong, how staff meet it, how to fix it.

    `id` is stable; `shows_as` holds reason codes, or a phrase where no page of ours is met;
    `page` is where the id is explained.
    """

    level: Level
    id: str
    title: str
    detail: str = ""
    shows_as: tuple[str, ...] = ()
    fix: str = ""
    page: str = ""

    @property
    def group(self) -> str:
        """The concern it belongs to: the part of the id before the dot."""
        return self.id.partition(".")[0]

    def as_json(self) -> dict[str, Any]:
        """The finding as `--json` gives it."""
        return asdict(self) | {"shows_as": list(self.shows_as)}


def finding_of(seen: Observation) -> Finding:
    """The one rendering: the catalogue's words, filled with the facts."""
    entry = entry_of(seen.id)
    words = _Words({"id": seen.id, **seen.facts})
    if seen.ok:
        return Finding("ok", seen.id, words.translated(entry.if_ok), page=as_set_here(entry.page))
    return Finding(
        level=entry.level,
        id=seen.id,
        title=words.translated(entry.title),
        detail=words.translated(entry.detail),
        shows_as=_shows_as(entry, words),
        fix=words.translated(entry.fix),
        page=as_set_here(entry.page),
    )


def staff_see(shows_as: Iterable[str]) -> str:
    """How a finding shows to staff: each page's title and code, or the phrase as it is."""
    titles = {code: f'"{REASONS[code].title}" ({code})' for code in shows_as if code in REASONS}
    return "; ".join(titles.get(item, item) for item in shows_as)


def _shows_as(entry: Entry, words: _Words) -> tuple[str, ...]:
    filled = [words.fill(item) for item in entry.shows_as]
    return tuple(item for text in filled for item in text.split("; ") if item)


def _in_words(name: str, fact: Any) -> Any:
    if name == "label":
        return label_in_words(str(fact))
    return gettext(fact) if isinstance(fact, str) and fact else fact


class _Words(dict[str, Any]):
    def __missing__(self, name: str) -> str:
        return "unknown"

    def fill(self, template: str) -> str:
        return as_set_here(" ".join(template.format_map(self).split()))

    def translated(self, template: str) -> str:
        """In the reader's language where admin asks; a terminal's is English."""
        words = {name: _in_words(name, fact) for name, fact in self.items()}
        return _Words(words).fill(gettext(template)) if template else ""
