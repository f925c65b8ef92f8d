"""What doctor says, for people (problems last, errors first among them) and for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.utils import timezone

from accounts.operate.doctor.finding import Finding, staff_see

if TYPE_CHECKING:
    from collections.abc import Iterator

    from accounts.operate.doctor.runner import Report

VERSION: Final = 1  # of the JSON document: changes when a field goes or changes its meaning
_MARKS: Final = {"ok": "ok     ", "warning": "warning", "error": "ERROR  "}


def as_text(report: Report) -> Iterator[str]:
    """All findings by concern, then what to mend, then one line that sums up."""
    for group in dict.fromkeys(finding.group for finding in report.findings):
        yield group
        yield from (_line(finding) for finding in report.findings if finding.group == group)
    if report.skipped:
        yield "not looked at"
        for skipped in report.skipped:
            yield f"  skipped {skipped.name}: needs {skipped.because}"
    for finding in (*report.errors, *report.warnings):
        yield ""
        yield from _problem(finding)
    yield ""
    yield summary(report)


def summary(report: Report) -> str:
    """One line: would a sign-in work?"""
    looked = f"{len(report.findings)} findings in {report.seconds:.1f} s"
    errors, warnings = len(report.errors), len(report.warnings)
    if errors:
        return f"Sign-in is broken: {_count(errors, 'error')}, {_count(warnings, 'warning')}" + (
            f" ({looked})."
        )
    if warnings:
        return f"Sign-in works, with {_count(warnings, 'warning')} ({looked})."
    return f"All is well ({looked})."


def as_json(report: Report) -> dict[str, Any]:
    """A document whose form is stable: fields are added, never changed under one version."""
    return {
        "version": VERSION,
        "ok": not report.errors,
        "errors": len(report.errors),
        "warnings": len(report.warnings),
        "at": timezone.now().isoformat(timespec="seconds"),
        "took_ms": round(report.seconds * 1000),
        "instance": settings.INSTANCE_ID,
        "public_url": settings.PUBLIC_URL,
        "findings": [finding.as_json() for finding in report.findings],
        "skipped": [
            {"check": skipped.name, "because": skipped.because} for skipped in report.skipped
        ],
    }


def _line(finding: Finding) -> str:
    more = f" ({finding.detail.rstrip('.')})" if finding.level == "ok" and finding.detail else ""
    return f"  {_MARKS[finding.level]} {finding.title}{more}"


def _problem(finding: Finding) -> Iterator[str]:
    yield f"{finding.level.upper()} {finding.id}: {finding.title}"
    for label, text in (
        ("What is wrong", finding.detail),
        ("Staff see", staff_see(finding)),
        ("What to do", finding.fix),
    ):
        if text:
            yield f"  {label + ':':<15}{text}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
