"""Runs probes one after the other; one that crashes, or hangs, is a finding like any other."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from accounts.operate.doctor.finding import Finding, error
from accounts.operate.doctor.scrub import scrubbed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@dataclass(frozen=True, slots=True)
class Probe:
    """Something to look at; it is skipped when a finding that it needs is an error."""

    name: str
    look: Callable[[], Iterable[Finding]]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """A probe that was not run, since what it needs is broken."""

    name: str
    because: str


@dataclass(slots=True)
class Report:
    """All that was found, in the order in which it was looked at."""

    findings: list[Finding] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def errors(self) -> list[Finding]:
        """What breaks a sign-in."""
        return [finding for finding in self.findings if finding.level == "error"]

    @property
    def warnings(self) -> list[Finding]:
        """What will."""
        return [finding for finding in self.findings if finding.level == "warning"]

    def broken(self, probe: Probe) -> str:
        """The id of an error that makes the probe pointless, or ""."""
        broken = {finding.id for finding in self.errors}
        return next((need for need in probe.needs if need in broken), "")


class Teller:
    """Told of each probe as it begins and ends; this one keeps quiet."""

    def begins(self, name: str) -> None:
        """A probe starts."""

    def ends(self, findings: list[Finding], because: str) -> None:
        """It ended with these, or was skipped because of an error of this id."""


def run(probes: Iterable[Probe], teller: Teller) -> Report:
    """Run the probes; never raises, whatever they do."""
    report, began = Report(), time.monotonic()
    for probe in probes:
        teller.begins(probe.name)
        because = report.broken(probe)
        findings = [] if because else _look(probe)
        if because:
            report.skipped.append(Skipped(probe.name, because))
        report.findings += findings
        teller.ends(findings, because)
    report.seconds = time.monotonic() - began
    return report


def _look(probe: Probe) -> list[Finding]:
    findings: list[Finding] = []
    try:
        for finding in probe.look():  # one by one: what came before a crash is kept
            findings.append(finding)
    except Exception as crash:
        findings.append(_crashed(probe, crash))
    return [scrubbed(finding) for finding in findings]


def _crashed(probe: Probe, crash: Exception) -> Finding:
    """Level error: what could not be looked at may well be what is broken."""
    text = " ".join(str(crash).split())[:300]
    return error(
        f"{probe.name.lower().replace(' ', '_')}.crashed",
        f"The check of {probe.name} itself failed",
        f"{type(crash).__name__}: {text}",
        fix="Mend what the message names; if it names nothing, report it as a bug of doctor.",
    )
