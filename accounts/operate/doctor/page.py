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
_WITHOUT_ENTRY: Final = re.compile(r"\w+\.crashed|\w+\.[CEWID]\d{3}")  # see entry_of
_GROUPS: Final = {
    "environment": "Settings",
    "accounts": "System checks",
    "redis": "Redis",
    "sessions": "Sessions",
    "database": "Database",
    "clock": "Clocks",
    "processes": "Running processes",
    "app": "The app registration",
    "people": "People",
    "claims": "Claims of the last tokens",
    "roles": "App roles",
    "refusals": "Refusals of the last hour",
    "online": "Microsoft (--online)",
    "public": "The public address (--url)",
    "crashed": "Doctor itself",
}
_HEAD: Final = f"""# What doctor says

Generated from `accounts/operate/doctor/catalogue.py` by
`./manage.py doctor --explain all > docs/doctor.md`. For one id:
`./manage.py doctor --explain redis.eviction`.

Words in [brackets] are facts that doctor fills in.

| level | meaning | exit code |
| --- | --- | --- |
| `error` | {LEVELS["error"]} | 1 |
| `unknown` | {LEVELS["unknown"]} | 4 |
| `warning` | {LEVELS["warning"]} | 3 |
| `note` | {LEVELS["note"]} | 0 |
| `ok` | {LEVELS["ok"]} | 0 |

With several levels, the exit code is that of the first in this table; 2 is a wrong option. A
monitor that only needs to know whether sign-in is broken tests for 1.

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
| `skipped` | a list: `check` was not run, `because` the finding of that id is an error |
| `not_asked` | what was not checked, as no option asked for it |

`shows_as` is a list of reason codes (docs/reasons.md), or of phrases where staff see no page of
this site. `page` is this document with the id as its anchor. When the environment itself is bad,
the document has one finding, `environment.bad`, and `instance` and `public_url` are null.
"""


def explained(id_: str) -> str:
    """One id on a terminal, also of another app's system check or a crash; "" if unknown."""
    is_known = id_ in CATALOGUE or _WITHOUT_ENTRY.fullmatch(id_)
    return "\n".join([id_, *_lines(entry_of(id_))]) if is_known else ""


def similar_to(id_: str) -> list[str]:
    """The ids of a group, or those spelt much like this one."""
    of_group = [known for known in CATALOGUE if known.startswith(f"{id_}.")]
    return of_group or get_close_matches(id_, CATALOGUE)


def page() -> str:
    """The text of docs/doctor.md."""
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
    texts = {
        entry.level: entry.title,
        "what is wrong": entry.detail,
        "staff see": staff_see(entry.shows_as),
        "what to do": entry.fix,
        "if all is well": entry.if_ok,
    }
    return [f"{label}: {_in_brackets(text)}" for label, text in texts.items() if text]


def _causes() -> Iterator[str]:
    yield '<a id="causes"></a>'
    yield "## Error codes of PostgreSQL, Redis, TLS and the network\n"
    yield "Fixes are chosen by the error's type and code. [of] is the variable of the server.\n"
    yield "| code | what to do |\n| --- | --- |"
    for code, fix in {**FIXES, "any other": UNKNOWN}.items():
        yield f"| `{code}` | {_in_brackets(fix).replace('|', '&#124;')} |"
    yield ""


def _in_brackets(template: str) -> str:
    return _FACT.sub(r"[\1]", template)
