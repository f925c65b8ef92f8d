"""What a test run says: a skipped test is a failure, and a failed one shows the site's log."""

from collections.abc import Generator

import pytest

from tests.servers import site

not_run: list[str] = []
# What cannot be tried where this runs; said at the end, and no failure.
not_tried: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped or hasattr(report, "wasxfail"):
        not_run.append(report.nodeid)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.skipped:
        not_run.append(report.nodeid)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if not_run and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not_run:
        terminalreporter.section("skipped or expected to fail, which counts as failed", red=True)
    for nodeid in not_run:
        terminalreporter.line(nodeid)
    if not_tried:
        terminalreporter.section("not tried here", yellow=True)
    for what in not_tried:
        terminalreporter.line(what)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Sites that ended with an earlier test are no longer of interest."""
    site.recent[:] = [each for each in site.recent if each.process.running]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        report.sections += [(each.process.name, each.log_tail()) for each in site.recent]
    return report
