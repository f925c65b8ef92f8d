"""`doctor --json` when the settings cannot be read: a valid document with the problems."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from accounts.configuration.table import BadEnvironment

_ID: Final = "environment.bad"
_FIX: Final = "Correct what the text names in the site's environment, and start again."


def is_doctor_json(arguments: Sequence[str]) -> bool:
    """Whether this is the command line of `doctor --json`."""
    return len(arguments) > 1 and arguments[1] == "doctor" and "--json" in arguments


def document(problem: Exception) -> str:
    """The same fields as doctor's own document (docs/doctor.md), with a finding per problem."""
    findings = [_finding(text) for text in _texts(problem)]
    fields: dict[str, Any] = {
        "version": 1,
        "ok": False,
        "errors": len(findings),
        "warnings": 0,
        "unknown": 0,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "took_ms": 0,
        "instance": None,
        "public_url": None,
        "findings": findings,
        "skipped": [{"check": "everything else", "because": _ID}],
        "not_asked": [],
    }
    return json.dumps(fields, indent=2)


def _texts(problem: Exception) -> Sequence[str]:
    if isinstance(problem, BadEnvironment):
        return problem.problems
    return [f"{type(problem).__name__}: {problem}"]


def _finding(text: str) -> dict[str, Any]:
    return {
        "level": "error",
        "id": _ID,
        "title": "The settings cannot be read",
        "detail": text,
        "shows_as": ["the site does not start"],
        "fix": _FIX,
        "page": f"docs/doctor.md#{_ID}",
    }
