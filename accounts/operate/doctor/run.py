"""Runs probes one after the other; one that crashes, or hangs, is a finding like any other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from django.db import DatabaseError

from ...protection.redact import mask_secrets
from ...stores.outages import DATABASE_ERRORS, STORE_ERRORS
from .finding import Finding, Observation, fault, finding_of


@dataclass(frozen=True, slots=True)
class Probe:
    """Something to look at, unless one of the ids that it needs is an error."""

    name: str
    run: Callable[[], Iterable[Observation]]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """A probe that was not run, or not to its end: the error of this id made it pointless."""

    name: str
    because: str


@dataclass(slots=True)
class Report:
    """All findings, in the order in which they were made."""

    findings: list[Finding] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    not_asked: tuple[str, ...] = ()
    seconds: float = 0.0

    def of(self, level: str) -> list[Finding]:
        """The findings of this level."""
        return [finding for finding in self.findings if finding.level == level]

    def unmet(self, probe: Probe) -> str:
        """The id of an error that makes the probe pointless, or ""."""
        errors = {finding.id for finding in self.of("error")}
        return next((need for need in probe.needs if need in errors), "")

    def cause_of(self, crash: Exception) -> str:
        """The id of the error, among those found, that explains the crash of a probe; or ""."""
        kinds = {"redis.": STORE_ERRORS, "database.": (DatabaseError, *DATABASE_ERRORS)}
        groups = tuple(group for group, errors in kinds.items() if isinstance(crash, errors))
        errors = (finding.id for finding in self.of("error"))
        return next((id_ for id_ in errors if groups and id_.startswith(groups)), "")


class Progress:
    """Hears of each probe when it begins and ends; this one does nothing."""

    def begins(self, name: str) -> None:
        """A probe starts."""

    def ends(self, findings: list[Finding], because: str) -> None:
        """It ended with these findings, or was skipped because of the error of this id."""


def run(
    probes: Iterable[Probe], progress: Progress | None = None, not_asked: tuple[str, ...] = ()
) -> Report:
    """Run the probes; never raises, whatever they do."""
    progress, report, began = progress or Progress(), Report(not_asked=not_asked), time.monotonic()
    for probe in probes:
        progress.begins(probe.name)
        findings, because = _run(probe, report)
        report.findings += findings
        if because:
            report.skipped.append(Skipped(probe.name, because))
        progress.ends(findings, because)
    report.seconds = time.monotonic() - began
    return report


def _run(probe: Probe, report: Report) -> tuple[list[Finding], str]:
    """Its findings, and the id of the earlier error that made it pointless, or ""."""
    findings: list[Finding] = []
    if because := report.unmet(probe):
        return findings, because
    try:
        for seen in probe.run():  # one by one: what came before a crash is kept
            findings.append(scrubbed(finding_of(seen)))
    except Exception as crash:
        if because := report.cause_of(crash):
            return findings, because
        text = " ".join(str(crash).split())[:300]
        id_ = f"{probe.name.lower().replace(' ', '_')}.crashed"
        crashed = fault(id_, name=probe.name, error=type(crash).__name__, text=text)
        findings.append(scrubbed(finding_of(crashed)))
    return findings, ""


def scrubbed(finding: Finding) -> Finding:
    """The finding, each of its texts without secrets."""
    title, detail, fix = map(mask_secrets, (finding.title, finding.detail, finding.fix))
    return replace(finding, title=title, detail=detail, fix=fix)
