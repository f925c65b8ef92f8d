"""One line that says how far a test run is and how long it will take; durations are kept for it.

A pytest plugin of `make test`, which at the end says what each group of tests took. The durations
of the last run are in .pytest_cache.
"""

import sys
import time
from collections import defaultdict
from collections.abc import Generator, Iterator, Mapping
from typing import Any, Final, cast

import pytest

KEY = "staff/durations"
# Seconds of a test that was never timed, by its folder.
USUAL: Final = {
    "hosts": 5.4,
    "recipes": 3.0,
    "journeys": 2.8,
    "running": 0.8,
    "faults": 1.1,
    "attacks": 0.27,
    "site": 0.13,
}
EVERY_S = 15.0  # where there is no terminal to write the line anew


def durations_of(config: pytest.Config) -> dict[str, float]:
    """The seconds that each test took when it last ran, by its id."""
    cache = cast("pytest.Cache | None", getattr(config, "cache", None))
    return dict(cache.get(KEY, {})) if cache else {}


def usual(nodeid: str) -> float:
    """The seconds of a test that was never timed, as in a fresh clone."""
    parts = nodeid.partition("::")[0].split("/")
    return USUAL.get(parts[1] if len(parts) > 1 else "", 0.02)


class Estimate:
    """How long the rest will take, by what each test took before and by today's pace."""

    def __init__(self, before: Mapping[str, float], at_once: int) -> None:
        self._before, self.at_once = before, at_once
        self._left: dict[str, float] = {}
        self._done = 0.0
        self.total = 0

    def expect(self, nodeids: list[str]) -> None:
        self._left = {nodeid: self._before.get(nodeid) or usual(nodeid) for nodeid in nodeids}
        self.total = len(nodeids)

    def ended(self, nodeid: str) -> None:
        self._done += self._left.pop(nodeid, 0.0)

    @property
    def count(self) -> int:
        return self.total - len(self._left)

    def seconds_left(self, elapsed: float) -> float:
        left = sum(self._left.values())
        # At first there is no pace yet: as if all processes were busy.
        pace = (self._done + self.at_once) / (elapsed + 1) if self._done else self.at_once
        return left / pace if pace else 0.0


def by_group(seconds: Mapping[str, float]) -> Iterator[str]:
    """A line for each folder of tests/, the dearest first, from the seconds of each test's id."""
    groups: dict[str, list[float]] = defaultdict(list)
    for nodeid, took in seconds.items():
        groups["/".join(nodeid.partition("::")[0].split("/")[:2])].append(took)
    for group, each in sorted(groups.items(), key=lambda item: -sum(item[1])):
        yield f"{sum(each):8.1f} s {len(each):6} tests  {group}"


class Progress:
    """The controller's part: it hears of every test."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        before = durations_of(config)
        self._estimate = Estimate(before, getattr(config.option, "numprocesses", None) or 1)
        self._took = dict(before)
        self._today: dict[str, float] = defaultdict(float)
        self._failed = 0
        self._began = time.monotonic()
        self._said = 0.0
        self._terminal = sys.stdout.isatty()

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: object, ids: list[str]) -> None:
        if not self._estimate.total:
            self._began = time.monotonic()
            self._estimate.expect(ids)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if session.items:
            self._estimate.expect([item.nodeid for item in session.items])

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """No dot for what went well."""
        return ("passed", "", "") if report.when == "call" and report.passed else None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        before = 0.0 if report.when == "setup" else self._took.get(report.nodeid, 0.0)
        self._took[report.nodeid] = round(before + report.duration, 3)
        self._today[report.nodeid] += report.duration
        self._failed += report.failed
        if report.when == "teardown":
            self._estimate.ended(report.nodeid)
            self._say()

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.section(f"seconds by group, {self._estimate.at_once} at a time")
        for line in by_group(self._today):
            terminalreporter.line(line)

    def _say(self) -> None:
        now = time.monotonic()
        if now - self._said < (0.2 if self._terminal else EVERY_S):
            return
        self._said = now
        line = self._line(now - self._began)
        print(f"\r{line}\x1b[K" if self._terminal else line, end="" if self._terminal else "\n")
        sys.stdout.flush()

    def _line(self, elapsed: float) -> str:
        left = self._estimate.seconds_left(elapsed)
        failed = f", {self._failed} failed" if self._failed else ""
        return (
            f"{self._estimate.count} of {self._estimate.total} tests{failed};"
            f" {_clock(elapsed)} so far, about {_clock(left)} to go"
        )

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, Any, Any]:
        if self._terminal:
            print("\r\x1b[K", end="", flush=True)
        if (cache := getattr(self._config, "cache", None)) is not None:
            cache.set(KEY, self._took)
        return (yield)


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes}:{seconds:02d}"


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.option.console_output_style = "classic"  # no percentages between
        config.pluginmanager.register(Progress(config), "staff-progress")
