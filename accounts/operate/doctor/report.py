"""What doctor says, for people (problems last, errors first among them) and for machines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django.utils import timezone

from ...conf import conf
from .finding import Finding, staff_see
from .run import Report

VERSION: Final = 1  # of the JSON document: changes when a field goes or changes its meaning
WORST_FIRST: Final = ("error", "unknown", "warning", "note", "ok")


def as_text(report: Report) -> Iterator[str]:
    """All findings by concern, then what to fix, then one line that sums up."""
    for group in dict.fromkeys(finding.group for finding in report.findings):
        yield group
        yield from (_line(finding) for finding in report.findings if finding.group == group)
    if report.skipped:
        yield "not looked at"
        for skipped in report.skipped:
            yield f"  skipped {skipped.name}: needs {skipped.because}"
    for level in WORST_FIRST[:-1]:
        for finding in report.of(level):
            yield ""
            yield from _problem(finding)
    yield ""
    yield summary(report)


def summary(report: Report) -> str:
    """One line: would a sign-in work, and what was not looked at?"""
    counted = [
        _count(len(report.of(level)), name)
        for level, name in (("error", "error"), ("warning", "warning"), ("unknown", "unknown"))
        if report.of(level)
    ]
    looked = f"{len(report.findings)} findings in {report.seconds:.1f} s"
    if report.of("error"):
        verdict = "Sign-in is broken"
    elif report.of("warning"):
        verdict = "Sign-in works, and will break"
    elif report.of("unknown"):
        verdict = "Nothing wrong was seen, but not all could be looked at"
    else:
        verdict = "All is well" if not report.not_asked else "All that was looked at is well"
    text = f"{verdict}: {', '.join(counted)}" if counted else verdict
    missing = ", ".join(report.not_asked)
    return f"{text} ({looked})." + (f" Not looked at: {missing}." if missing else "")


def as_json(report: Report) -> dict[str, Any]:
    """A document whose form is stable: fields are added, never changed under one version."""
    return {
        "version": VERSION,
        "ok": not report.of("error"),
        "errors": len(report.of("error")),
        "warnings": len(report.of("warning")),
        "unknown": len(report.of("unknown")),
        "at": timezone.now().isoformat(timespec="seconds"),
        "took_ms": round(report.seconds * 1000),
        "instance": conf.INSTANCE_ID,
        "public_url": conf.PUBLIC_URL,
        "findings": [finding.as_json() for finding in report.findings],
        "skipped": [
            {"check": skipped.name, "because": skipped.because} for skipped in report.skipped
        ],
        "not_asked": list(report.not_asked),
    }


def _line(finding: Finding) -> str:
    mark = finding.level.upper() if finding.level == "error" else finding.level
    return f"  {mark:<7} {finding.title}"


def _problem(finding: Finding) -> Iterator[str]:
    yield f"{finding.level.upper()} {finding.id}: {finding.title}"
    for label, text in (
        ("What is wrong", finding.detail),
        ("Staff see", staff_see(finding.shows_as)),
        ("What to do", finding.fix),
        ("More", finding.page),
    ):
        if text:
            yield f"  {label + ':':<15}{text}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 or what == "unknown" else f"{number} {what}s"
