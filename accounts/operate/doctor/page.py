"""docs/doctor.md: every id explained, made from the catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

from .catalogue import CATALOGUE, LEVELS, Entry, entry_of
from .causes import FIXES, UNKNOWN
from .finding import staff_see
from .report import VERSION

_FACT: Final = re.compile(r"\{(\w+)\}")
_SHARES_AN_ENTRY: Final = re.compile(r"\w+\.crashed|\w+\.[CEWID]\d{3}")
_GROUPS: Final = {
    "environment": "Settings",
    "accounts": "System checks",
    "redis": "Redis",
    "sessions": "Sessions",
    "database": "Database",
    "clock": "Clocks",
    "processes": "Processes that run",
    "app": "The app registration",
    "people": "People",
    "claims": "Claims of the last tokens",
    "roles": "App roles",
    "refusals": "What people met in the last hour",
    "online": "Microsoft (--online)",
    "public": "The public address (--url)",
    "crashed": "Doctor itself",
}
_HEAD: Final = f"""# What doctor says

Made from `accounts/operate/doctor/catalogue.py` by
`./manage.py doctor --explain all > docs/doctor.md`. One id of it on a terminal:
`./manage.py doctor --explain redis.eviction`.

Words in [brackets] are facts that doctor fills in.

| level | meaning | exit code |
| --- | --- | --- |
| `error` | {LEVELS["error"]} | 1 |
| `unknown` | {LEVELS["unknown"]} | 4 |
| `warning` | {LEVELS["warning"]} | 3 |
| `note` | {LEVELS["note"]} | 0 |
| `ok` | {LEVELS["ok"]} | 0 |

Where there are several, the exit code is that of the first in this table; 2 is a wrong option. A
monitor that only wants to know whether sign-in is broken asks for 1.

## The document of --json

Version {VERSION}. Fields are added under one version, never removed or changed in their meaning.

| field | what it holds |
| --- | --- |
| `version` | {VERSION} |
| `ok` | true when no finding is an `error` |
| `errors`, `warnings`, `unknown` | how many findings have that level |
| `at`, `took_ms` | when, and how long it took |
| `instance`, `public_url` | where it ran, for which address; null when settings failed |
| `findings` | a list: `level`, `id`, `title`, `detail`, `shows_as`, `fix`, `page` |
| `skipped` | a list: `check` was not run, `because` that id is an error |
| `not_asked` | what no option asked for, so that nothing is said of it |

`shows_as` is a list of reason codes (docs/reasons.md) or of phrases where staff meet no page of
ours. `page` is this document with the id as its anchor. When the environment itself is bad, the
document has one finding, `environment.bad`, and `instance` and `public_url` are null.
"""


def explained(id_: str) -> str:
    """One id on a terminal, other apps' system checks and crashes of probes too; "" if unknown."""
    known = id_ in CATALOGUE or _SHARES_AN_ENTRY.fullmatch(id_)
    return "\n".join([id_, *_lines(entry_of(id_))]) if known else ""


def similar_to(id_: str) -> list[str]:
    """The ids of a group, or those that look like this one."""
    of_group = [known for known in CATALOGUE if known.startswith(f"{id_}.")]
    return of_group or get_close_matches(id_, CATALOGUE)


def page() -> str:
    """The whole of docs/doctor.md."""
    return "\n".join([_HEAD, *_sections(), *_causes()])


def _sections() -> Iterator[str]:
    for group, title in _GROUPS.items():
        entries = [entry for entry in CATALOGUE.values() if entry.id.partition(".")[0] == group]
        if entries:
            yield f"## {title}\n"
        for entry in entries:
            yield from (f'<a id="{entry.id}"></a>', f"### {entry.id}\n")
            yield from (f"- {line}" for line in _lines(entry))
            yield ""


def _lines(entry: Entry) -> list[str]:
    lines = []
    if entry.title != entry.if_ok:
        lines.append(f"{entry.level}: {_shown(entry.title)}")
    if entry.detail:
        lines.append(f"what is wrong: {_shown(entry.detail)}")
    if entry.shows_as:
        lines.append(f"staff see: {_shown(staff_see(entry.shows_as))}")
    if entry.fix:
        lines.append(f"what to do: {_shown(entry.fix)}")
    if entry.if_ok:
        lines.append(f"if all is well: {_shown(entry.if_ok)}")
    return lines


def _causes() -> Iterator[str]:
    yield '<a id="causes"></a>'
    yield "## Codes of other people's errors\n"
    yield "Fixes are chosen by the error's type and code. [of] is the variable that was followed.\n"
    yield "| code | what to do |\n| --- | --- |"
    for code, fix in {**FIXES, "any other": UNKNOWN}.items():
        yield f"| `{code}` | {_shown(fix)} |"
    yield ""


def _shown(template: str) -> str:
    return _FACT.sub(r"[\1]", template)
