"""`make test`: what it runs, what it says, how it ends."""

import os
import re
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.servers import forked
from tests.servers.everything import checks, names_a_path
from tests.servers.process import ROOT, Process, clean_environment
from tests.support.order import LONG
from tests.support.progress import USUAL, Estimate, by_group

RUN = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
from tests.servers.everything import Check, everything
python = lambda code: (sys.executable, "-c", code)
beside = [Check(code, python(code)) for code in sys.argv[2:]]
sys.exit(everything(beside, python(sys.argv[1]) if sys.argv[1] else ()))
"""
FINE, BAD = "print('fine')", "print('the reason'); raise SystemExit(3)"


@pytest.mark.parametrize(
    ("tests", "beside", "status"),
    [(FINE, FINE, 0), (FINE, BAD, 1), (BAD, FINE, 3), (BAD, BAD, 3), ("", FINE, 0), ("", BAD, 1)],
)
def test_all_must_be_well_for_the_status_to_be_good(tests: str, beside: str, status: int) -> None:
    assert _run(tests, beside, FINE).returncode == status


def test_each_check_that_fails_shows_what_it_said_after_the_tests() -> None:
    said = _run(FINE, BAD, FINE).stdout
    assert said.startswith("fine\n")
    assert said.count("fine') failed") == 0
    assert "failed:\nthe reason\n" in said
    assert said.endswith(f"Checked and well: {FINE}.\n")


def test_it_lints_types_and_checks() -> None:
    names = ["lint", "layout", "types", "missing migrations", "deployment checks"]
    assert [check.name for check in checks()] == names


@pytest.mark.parametrize(("arguments", "only_a_part"), [
    ("", False),
    ("--durations=20", False),
    ("-k callback --maxfail 3", False),
    ("tests/unit/signin -x", True),
    ("-x tests/unit/test_architecture.py::test_something", True),
])  # fmt: skip
def test_options_alone_are_for_the_whole_suite(arguments: str, only_a_part: bool) -> None:
    assert names_a_path(arguments.split()) == only_a_part


def test_ctrl_c_ends_all_of_it(tmp_path: Path) -> None:
    wait = f"import os, time; print(os.getpid(), flush=True); time.sleep({60 + time.time() % 1})"
    everything = Process(
        "everything",
        [sys.executable, "-c", RUN, wait, wait],
        env=clean_environment(),
        log=tmp_path / "log",
    )
    everything.start()
    everything.wait_until(lambda: everything.log_text().strip().isdecimal())
    children = everything.children()
    assert len(children) == 2
    os.killpg(everything.pid, signal.SIGINT)
    assert everything.ends_within(10)
    assert not any(Path(f"/proc/{pid}").exists() for pid in children)


def test_the_estimate_is_by_what_tests_took_before_and_by_todays_pace() -> None:
    estimate = Estimate({"slow": 30.0, "quick": 10.0}, at_once=2)
    estimate.expect(["slow", "quick"])
    assert estimate.seconds_left(0) == 20
    estimate.ended("quick")
    assert (estimate.count, estimate.total) == (1, 2)
    assert 20 < estimate.seconds_left(elapsed=10) < 40


def test_where_nothing_was_timed_the_folder_tells() -> None:
    estimate = Estimate({}, at_once=2)
    estimate.expect(["tests/hosts/test_hosts.py::test_a", "tests/hosts/test_hosts.py::test_b"])
    assert estimate.seconds_left(0) == USUAL["hosts"]


def test_files_that_are_known_to_take_long_are_there() -> None:
    assert [file for file in LONG if not (ROOT / file).exists()] == []


def test_the_end_says_what_each_group_took() -> None:
    took = {"tests/unit/a.py::x": 0.5, "tests/site/b/c.py::y": 2.0, "tests/unit/test_d.py::z": 1.0}
    assert [line.split() for line in by_group(took)] == [
        ["2.0", "s", "1", "tests", "tests/site"],
        ["1.5", "s", "2", "tests", "tests/unit"],
    ]
    assert re.search(r"used \d+ processor seconds", _run(FINE, FINE).stdout)


def _run(*arguments: str) -> forked.Completed:
    return forked.run("-c", RUN, *arguments, env=clean_environment())
