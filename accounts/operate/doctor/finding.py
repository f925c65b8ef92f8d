"""What a probe saw, by id and facts, and the finding that the catalogue makes of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext

from ...display.naming import as_set_here
from ...entra.errors import hint_for, hint_in
from ...http.causes import NoAnswer
from ...reasons import REASONS, Refused
from ..microsoft_app import label_in_words
from .catalogue import Level, entry_of


@dataclass(frozen=True, slots=True)
class Observation:
    """What one look found: the fault of this id with these facts, or that all is `ok`."""

    id: str
    facts: Mapping[str, Any]
    ok: bool = False


def ok(id_: str, **facts: Any) -> Observation:
    """There is nothing wrong with what this id is about."""
    return Observation(id_, facts, ok=True)


def fault(id_: str, **facts: Any) -> Observation:
    """The fault of this id, with the facts that its texts name."""
    return Observation(id_, facts)


def verdict(id_: str, is_ok: bool, **facts: Any) -> Observation:
    """One of the two."""
    return Observation(id_, facts, ok=is_ok)


def refusal_facts(refusal: Refused) -> dict[str, str]:
    """`code`, `why` and `reason_fix` of a refusal, in the words of the table of reasons."""
    reason = refusal.reason
    operator = gettext(reason.operator)
    number = f"AADSTS{refusal.aadsts}" if refusal.aadsts is not None else ""
    detail = refusal.detail if number in refusal.detail else f"{number} {refusal.detail}".strip()
    return {
        "code": reason.code,
        "why": f"{operator} ({detail})" if detail else operator,
        "reason_fix": _fix(refusal),
    }


def _fix(refusal: Refused) -> str:
    """By the typed cause, where there is one; else by Microsoft's number and the reason."""
    if isinstance(refusal, NoAnswer) and refusal.advice:
        return gettext(refusal.advice)
    hint = hint_for(refusal.aadsts) or hint_in(refusal.detail, refusal.reason.code)
    says_run_doctor = refusal.reason.code == "misconfigured"
    fixes = (hint, "" if hint and says_run_doctor else refusal.reason.fix)
    return " ".join(map(gettext, filter(None, fixes)))


@dataclass(frozen=True, slots=True)
class Finding:
    """One entry of the catalogue, filled in: how bad, what is wrong, what staff see, the fix.

    `id` is stable; `shows_as` holds reason codes, or phrases where staff see no page of this site;
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


def finding_of(seen: Observation) -> Finding:
    """The catalogue's texts, filled in with the facts, in the active language."""
    entry = entry_of(seen.id)
    facts = _Facts({"id": seen.id, **seen.facts})
    translated = _Facts({name: _translated(name, fact) for name, fact in facts.items()})
    if seen.ok:
        return Finding("ok", seen.id, translated.fill(entry.if_ok), page=as_set_here(entry.page))
    shows_as = "; ".join(as_set_here(item.format_map(facts)) for item in entry.shows_as)
    return Finding(
        level=entry.level,
        id=seen.id,
        title=translated.fill(entry.title),
        detail=translated.fill(entry.detail),
        shows_as=tuple(filter(None, shows_as.split("; "))),
        fix=translated.fill(entry.fix),
        page=as_set_here(entry.page),
    )


def staff_see(shows_as: Iterable[str]) -> str:
    """What staff see of a finding: each page's title and code, or the phrase as it is."""
    titles = {code: f'"{REASONS[code].title}" ({code})' for code in shows_as if code in REASONS}
    return "; ".join(titles.get(item, item) for item in shows_as)


def _translated(name: str, fact: Any) -> Any:
    if name == "label":
        return label_in_words(str(fact))
    return gettext(fact) if isinstance(fact, str) and fact else fact


class _Facts(dict[str, Any]):
    def __missing__(self, name: str) -> str:
        return "unknown"

    def fill(self, template: str) -> str:
        """The template in the active language, on one line; gettext("") is a catalogue's header."""
        text = gettext(template).format_map(self) if template else ""
        return as_set_here(" ".join(text.split()))
