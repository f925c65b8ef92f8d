"""`make versions`: the tests on other Pythons and Djangos than the pinned ones.

    make versions                        every pair whose Python can be had here
    make versions ARGS="3.13-6.1"        these pairs
    make versions ARGS="--short"         the sign-in alone, not all of tests/unit and tests/site

All other packages are as pinned. What was seen is written into docs/versions.md.
"""

import argparse
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.servers import pythons
from tests.servers.process import ROOT, clean_environment

# Each Python with the Djangos that support it (Django's FAQ, "What Python version can I use").
PAIRS = (
    "3.11-5.2", "3.12-5.2", "3.12-6.0", "3.12-6.1", "3.13-5.2", "3.13-6.0", "3.13-6.1",
    "3.14-5.2", "3.14-6.0", "3.14-6.1",
)  # fmt: skip
OVER_HTTP = "tests/running/test_sign_in_over_http.py"
WHOLE = ("tests/unit", "tests/site", OVER_HTTP)
SHORT = ("tests/unit/entra", "tests/unit/signin", "tests/unit/web", "tests/site/signin",
         "tests/site/web", "tests/site/operate", OVER_HTTP)  # fmt: skip
# It is about .venv, which none of these is.
LEFT_OUT = ("tests/unit/project/test_env.py::test_manage_py_finds_the_sites_python",)
# They need programs that the small Debian has not: nginx, PgBouncer, unshare, the script's tools.
NOT_IN_DEBIAN = ("tests/site/test_pgbouncer.py", "tests/site/doctor/test_doctor_shapes.py",
                 "tests/site/commands/test_register_script.py")  # fmt: skip
PAGE = ROOT / "docs/versions.md"
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)(==[^\\\n]+)", re.MULTILINE)
COUNTED = re.compile(r"(\d+) (passed|failed|error|skipped)")
BEGIN, END = "<!-- versions: written by make versions -->", "<!-- /versions -->"
HEAD = "| Python | Django | what ran | passed | failed | seconds | day |\n" + "| --- " * 7 + "|"


@dataclass(frozen=True, slots=True)
class Tried:
    """A row of the page."""

    python: str
    django: str
    what: str
    passed: int
    failed: int
    seconds: int

    def row(self) -> str:
        cells = [self.python, self.django, self.what, self.passed, self.failed, self.seconds]
        day = f"{datetime.now(UTC):%Y-%m-%d}"
        return f"| {' | '.join(map(str, [*cells, day]))} |"


def main(arguments: list[str]) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    if unknown := [pair for pair in options.pairs if pair not in PAIRS]:
        parser.error(f"no such pair: {', '.join(unknown)}. There are: {', '.join(PAIRS)}")
    good = True
    for pair in options.pairs or PAIRS:
        seen = _try(pair, short=options.short)
        if seen is None:
            print(f"{pair}: no such Python here, and none can be made.", flush=True)
            good &= not options.pairs
            continue
        print(seen.row(), flush=True)
        _write(seen)
        good &= not seen.failed
    return 0 if good else 1


def _try(pair: str, *, short: bool) -> Tried | None:
    version, _, django = pair.partition("-")
    python = pythons.find(version, pair)
    if python is None:
        return None
    print(f"{pair}: installing", flush=True)
    python.install(_requirements(pair, django, python))
    began = time.monotonic()
    counted = _run(python, SHORT if short else WHOLE, pythons.PLACE / f"{pair}.log")
    return Tried(
        python=python.says("import platform; print(platform.python_version())"),
        django=python.says("import django; print(django.__version__)"),
        what="the sign-in" if short else "unit, site, sign-in over gunicorn",
        passed=counted.get("passed", 0),
        failed=sum(counted.get(what, 0) for what in ("failed", "error", "skipped")),
        seconds=round(time.monotonic() - began),
    )


def _requirements(pair: str, django: str, python: pythons.Python) -> Path:
    """The pins without hashes, with another Django."""
    pins = pins_of((ROOT / "requirements/dev.txt").read_text(encoding="utf-8"), django)
    pythons.PLACE.mkdir(exist_ok=True)
    path = pythons.PLACE / f"{pair}.txt"
    path.write_text("".join(f"{name}{pin}\n" for name, pin in python.can_have(pins).items()))
    return path


def pins_of(text: str, django: str) -> dict[str, str]:
    """What is pinned, with its markers, by name."""
    return {**dict(PIN.findall(text)), "django": f"=={django}.*"}


def _run(python: pythons.Python, tests: tuple[str, ...], log: Path) -> dict[str, int]:
    """How many passed, failed and so on; a run that ended before it counted has failed."""
    without = [*LEFT_OUT, *(NOT_IN_DEBIAN if isinstance(python, pythons.Debian) else ())]
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore", "--tb=short",
             *(f"--deselect={name}" for name in without), *tests]  # fmt: skip
    with log.open("w") as output:
        subprocess.run(
            python.command(words),
            cwd=ROOT,
            env=clean_environment(PYTHONDONTWRITEBYTECODE="1"),
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    last = log.read_text(encoding="utf-8").rstrip().rpartition("\n")[2]
    return {what: int(number) for number, what in COUNTED.findall(last)} or {"error": 1}


def _write(seen: Tried) -> None:
    PAGE.write_text(with_row(PAGE.read_text(encoding="utf-8"), seen), encoding="utf-8")


def with_row(text: str, seen: Tried) -> str:
    """The page with this row instead of an older one of the pair."""
    before, rest = text.split(BEGIN)
    table, after = rest.split(END)
    same = re.compile(rf"\| {minor(seen.python)}\.\d+ \| {minor(seen.django)}[. ]")
    rows = [line for line in table.splitlines() if line.startswith("| 3") and not same.match(line)]
    table = "\n".join([HEAD, *sorted([*rows, seen.row()], key=_order)])
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def minor(version: str) -> str:
    """The first two numbers, for a pattern."""
    return re.escape(".".join(version.split(".")[:2]))


def _order(row: str) -> list[list[int]]:
    return [[int(n) for n in re.findall(r"\d+", cell)] for cell in row.split("|")[1:3]]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make versions", description=__doc__)
    parser.add_argument("pairs", nargs="*", metavar="PYTHON-DJANGO")
    parser.add_argument("--short", action="store_true", help="the sign-in alone")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
