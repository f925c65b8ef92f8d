"""`python -m tests.servers.everything ARGUMENTS`: every test, and every other check beside them.

The arguments are pytest's. Options alone go with the whole suite; with a path only that is tested,
by one process and without the other checks; --only-checks is for those alone. What a check says is
shown once all have ended.
"""

import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO

from tests.servers.environment import deployed_environment
from tests.servers.process import ROOT

PYTEST = (sys.executable, "-m", "pytest")
# Many tests wait for servers, so more processes than processors, each with servers of its own. A
# file's tests stay together; which files come first, tests/support/order.py says.
AT_ONCE = ("--numprocesses", "4", "--dist", "loadfile", "--no-loadscope-reorder")
ONLY_CHECKS = "--only-checks"
REPORT = ("--quiet", "--durations", "10", "-p", "tests.support.progress")


@dataclass(frozen=True)
class Check:
    """A program that ends with 0 if all is well; `env` is its environment if it is not ours."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Running:
    check: Check
    process: "subprocess.Popen[bytes]"
    output: IO[bytes]

    def problem(self) -> str:
        """Wait for its end; what it said if it failed, else nothing."""
        status = self.process.wait()
        self.output.seek(0)
        said = self.output.read().decode(errors="replace").strip()
        self.output.close()
        return f"{self.check.name} failed:\n{said}" if status else ""


def checks() -> Iterator[Check]:
    """What `make lint`, `make types` and `make check` do."""
    programs = Path(sys.executable).parent
    yield Check("lint", (f"{programs}/ruff", "check", "."))
    yield Check("layout", (f"{programs}/ruff", "format", "--check", "."))
    yield Check("types", (f"{programs}/mypy",), {**os.environ, "DEBUG": "true"})
    # makemigrations warns that it found no database, of which it needs none.
    manage = (sys.executable, "-W", "ignore::RuntimeWarning", "manage.py")
    deployed = deployed_environment()
    yield Check("missing migrations", (*manage, "makemigrations", "--check", "--dry-run"), deployed)
    deploy = ("check", "--deploy", "--fail-level", "WARNING")
    yield Check("deployment checks", (*manage, *deploy), deployed)


def main(arguments: Sequence[str]) -> int:
    if arguments == [ONLY_CHECKS]:
        return everything([*checks()])
    if names_a_path(arguments):
        return subprocess.run([*PYTEST, *arguments], cwd=ROOT, check=False).returncode
    return everything([*checks()], [*PYTEST, *AT_ONCE, *REPORT, *arguments])


def names_a_path(arguments: Sequence[str]) -> bool:
    """Whether a part of the suite is asked for: tests/unit, or a test by its id."""
    return any((ROOT / word.partition("::")[0]).exists() for word in arguments if word[:1] != "-")


def everything(beside: Sequence[Check], tests: Sequence[str] = ()) -> int:
    """Run the tests and the checks at the same time; 0 if all are well."""
    running = [_start(check) for check in beside]
    tester = subprocess.Popen(tests, cwd=ROOT, env=_with_bytecode()) if tests else None

    def end(how: int, _frame: FrameType | None) -> None:
        """Ctrl-C has reached pytest by itself, which needs a moment to end its servers."""
        for each in running:
            each.process.terminate()
        if tester and how != signal.SIGINT:
            tester.terminate()

    for how in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(how, end)
    status = tester.wait() if tester else 0
    if tester:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = round(used.ru_utime + used.ru_stime)
        print(f"Tests used {seconds} processor seconds, without servers that they killed.")
    problems = [problem for each in running if (problem := each.problem())]
    well = ", ".join(each.check.name for each in running if each.process.returncode == 0)
    print("", *problems, f"Checked and well: {well or 'nothing'}.", sep="\n", flush=True)
    return status or bool(problems)


def _with_bytecode() -> dict[str, str]:
    """Each process of the tests would compile all of them anew."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _start(check: Check) -> Running:
    output = tempfile.TemporaryFile()  # noqa: SIM115 -- closed when it has been read
    process = subprocess.Popen(
        check.command,
        cwd=ROOT,
        env=check.env,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
    )
    return Running(check, process, output)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
