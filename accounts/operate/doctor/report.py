"""The report, for people (problems last, errors first among them) and for machines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

from django.utils import timezone

from ...conf import conf
from .finding import Finding, staff_see
from .run import Report

VERSION: Final = 1  # of the JSON document: changes when a field goes or changes its meaning
WORST_FIRST: Final = ("error", "unknown", "warning", "note", "ok")
_VERDICTS: Final = {  # the first that applies
    "error": "Sign-in is broken",
    "warning": "Sign-in works, but will break or breaks for some people",
    "unknown": "No problem was found, but not everything could be checked",
}


def as_text(report: Report) -> Iterator[str]:
    """All findings by concern, then what to fix, then the summary."""
    for group in dict.fromkeys(finding.group for finding in report.findings):
        yield group
        yield from (_line(finding) for finding in report.findings if finding.group == group)
    if report.skipped:
        yield "not checked"
        for skipped in report.skipped:
            yield f"  skipped {skipped.name}: needs {skipped.because}"
    for level in WORST_FIRST[:-1]:
        for finding in report.of(level):
            yield ""
            yield from _problem(finding)
    yield ""
    yield summary(report)


def summary(report: Report) -> str:
    """One line: would a sign-in work, and what was not checked?"""
    levels = [level for level in _VERDICTS if report.of(level)]
    well = "No problem in what was checked" if report.not_asked else "All is well"
    verdict = _VERDICTS[levels[0]] if levels else well
    counted = ", ".join(_count(len(report.of(level)), level) for level in levels)
    text = f"{verdict}: {counted}" if counted else verdict
    text += f" ({len(report.findings)} findings in {report.seconds:.1f} s)."
    return f"{text} Not checked: {', '.join(report.not_asked)}." if report.not_asked else text


def as_json(report: Report) -> dict[str, Any]:
    """The document of --json; its fields are explained in docs/doctor.md."""
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
        "findings": [asdict(finding) for finding in report.findings],
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
