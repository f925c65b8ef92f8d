"""`python -m tests.servers.fresh_clone`: `make run` where nothing is installed or cached."""

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

from tests.servers.ports import answers, free_port
from tests.servers.process import ROOT, Process, scratch
from tests.servers.site import answers as site_answers

PATIENCE_S = 900
BUTTON = "Sign in with Microsoft"


def main() -> int:
    here = scratch("fresh-clone")
    clone = _clone(here)
    port, emulator_port = free_port(), free_port()
    print("make run on a fresh clone", flush=True)
    run = Process(
        "make run",
        ["make", "--no-print-directory", "-C", str(clone), "run"],
        env=_environment(here, port, emulator_port),
        log=here / "log",
    )
    run.start()
    run.wait_until(lambda: site_answers(port), seconds=PATIENCE_S)
    run.wait_until(lambda: f"http://localhost:{port}/admin/" in run.log_text(), seconds=30)
    problem = _problem_with_page(port) or _problem_with_stopping(run, port, emulator_port)
    print(problem or "serves the login page, and stops", flush=True)
    if problem:
        print(run.log_tail())
    run.stop()
    return 1 if problem else 0


def _clone(here: Path) -> Path:
    clone = here / "site"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    return clone


def _environment(here: Path, port: int, emulator_port: int) -> dict[str, str]:
    """The machine's, since it says where packages come from, but a pip that has seen none."""
    ours = {"PORT": str(port), "EMULATOR_PORT": str(emulator_port)}
    return {**os.environ, **ours, "PIP_CACHE_DIR": str(here / "pip-cache")}


def _problem_with_page(port: int) -> str:
    with urllib.request.urlopen(f"http://localhost:{port}/admin/login/", timeout=10) as page:
        return "" if BUTTON in page.read().decode() else "the login page has no button"


def _problem_with_stopping(run: Process, *ports: int) -> str:
    """Only make is told to stop; what it started must end with it."""
    os.kill(run.pid, signal.SIGTERM)
    if not run.ends_within(30):
        return "make run did not stop"
    return "".join(f"port {port} still answers\n" for port in ports if answers(port))


if __name__ == "__main__":
    sys.exit(main())
