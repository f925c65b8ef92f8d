"""Runs probes one after the other; one that crashes, or hangs, is a finding like any other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from django.db import DatabaseError

from ...protection.redact import scrub
from ...stores.outages import DATABASE_ERRORS, STORE_ERRORS
from .finding import Finding, Observation, fault, finding_of


@dataclass(frozen=True, slots=True)
class Probe:
    """Something to look at; it is skipped when one of the ids that it needs is an error."""

    name: str
    run: Callable[[], Iterable[Observation]]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """What was not looked at: an error of this id made it pointless, or nobody asked for it."""

    name: str
    because: str


@dataclass(slots=True)
class Report:
    """All that was found, in the order in which it was looked at."""

    findings: list[Finding] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    not_asked: tuple[str, ...] = ()
    seconds: float = 0.0

    def of(self, level: str) -> list[Finding]:
        """The findings of this level."""
        return [finding for finding in self.findings if finding.level == level]

    def broken(self, probe: Probe) -> str:
        """The id of an error that makes the probe pointless, or ""."""
        broken = {finding.id for finding in self.of("error")}
        return next((need for need in probe.needs if need in broken), "")

    def explanation(self, crash: Exception) -> str:
        """The id of an error that is known already, and of which this is no more than a sign."""
        kinds = {"redis.": STORE_ERRORS, "database.": (DatabaseError, *DATABASE_ERRORS)}
        groups = tuple(group for group, errors in kinds.items() if isinstance(crash, errors))
        known = (finding.id for finding in self.of("error"))
        return next((id_ for id_ in known if groups and id_.startswith(groups)), "")


class Progress:
    """Told of each probe as it begins and ends; this one keeps quiet."""

    def begins(self, name: str) -> None:
        """A probe starts."""

    def ends(self, findings: list[Finding], because: str) -> None:
        """It ended with these, or was skipped because of an error of this id."""


def run(
    probes: Iterable[Probe], progress: Progress | None = None, not_asked: tuple[str, ...] = ()
) -> Report:
    """Run the probes; never raises, whatever they do."""
    progress, report, began = progress or Progress(), Report(not_asked=not_asked), time.monotonic()
    for probe in probes:
        progress.begins(probe.name)
        because = report.broken(probe)
        findings: list[Finding] = []
        because = because or _run(probe, findings, report)
        if because:
            report.skipped.append(Skipped(probe.name, because))
        report.findings += findings
        progress.ends(findings, because)
    report.seconds = time.monotonic() - began
    return report


def _run(probe: Probe, found: list[Finding], report: Report) -> str:
    """Fills `found`; returns the id of the error found before that made the probe crash, or ""."""
    try:
        for seen in probe.run():  # one by one: what came before a crash is kept
            found.append(scrubbed(finding_of(seen)))
    except Exception as crash:
        if explained := report.explanation(crash):
            return explained
        text = " ".join(str(crash).split())[:300]
        name = probe.name.lower().replace(" ", "_")
        crashed = fault(f"{name}.crashed", name=probe.name, error=type(crash).__name__, text=text)
        found.append(scrubbed(finding_of(crashed)))
    return ""


def scrubbed(finding: Finding) -> Finding:
    """The finding, each of its texts without secrets."""
    title, detail, fix = map(scrub, (finding.title, finding.detail, finding.fix))
    return replace(finding, title=title, detail=detail, fix=fix)
