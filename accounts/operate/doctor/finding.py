"""What doctor says of one thing: how bad, what is wrong, how staff meet it, how to mend it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from accounts.entra.errors import hint_for
from accounts.reasons import REASONS

if TYPE_CHECKING:
    from accounts.reasons import Refused

Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`id` is stable; `shows_as` holds reason codes, or a phrase where no page of ours is met."""

    level: Level
    id: str
    title: str
    detail: str = ""
    shows_as: tuple[str, ...] = ()
    fix: str = ""

    @property
    def group(self) -> str:
        """The concern it belongs to: the part of the id before the dot."""
        return self.id.partition(".")[0]

    def as_json(self) -> dict[str, Any]:
        """The finding as `--json` gives it."""
        return asdict(self) | {"shows_as": list(self.shows_as)}


def ok(id_: str, title: str, detail: str = "") -> Finding:
    """Looked at, and well."""
    return Finding("ok", id_, title, detail)


def warning(
    id_: str, title: str, detail: str, *, fix: str, shows_as: tuple[str, ...] = ()
) -> Finding:
    """Sign-in works now; this will hurt some day, or some people."""
    return Finding("warning", id_, title, detail, shows_as, fix)


def error(
    id_: str, title: str, detail: str, *, fix: str, shows_as: tuple[str, ...] = ()
) -> Finding:
    """Sign-in breaks."""
    return Finding("error", id_, title, detail, shows_as, fix)


def refused(id_: str, title: str, refusal: Refused, *, level: Level = "error") -> Finding:
    """An error in the words of the one table of reasons, with what the AADSTS number adds."""
    reason = refusal.reason
    number = f"AADSTS{refusal.aadsts}" if refusal.aadsts is not None else ""
    told = refusal.detail if number in refusal.detail else f"{number} {refusal.detail}".strip()
    detail = f"{reason.operator} ({told})" if told else reason.operator
    fix = " ".join(filter(None, (hint_for(refusal.aadsts), reason.fix)))
    return Finding(level, id_, title, detail, (reason.code,), fix)


def staff_see(finding: Finding) -> str:
    """How the finding shows to staff: the page's title and code, or the phrase as it is."""
    return "; ".join(map(_shown, finding.shows_as))


def _shown(item: str) -> str:
    reason = REASONS.get(item)
    return item if reason is None else f'"{reason.title}" ({item})'
