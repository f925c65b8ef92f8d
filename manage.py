#!/usr/bin/env python3
"""Django's command line for this site."""

from __future__ import annotations

import gc
import os
import sys
from importlib.util import find_spec
from pathlib import Path

BUILD_COMMAND = "collectstatic"
_BUILD_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV")


def main() -> None:
    """Run the command; a bad environment ends it with a message or JSON, not a traceback."""
    _use_venv()
    gc.set_threshold(50_000)  # else it takes a quarter of the start, and finds nothing
    from django.core.management import execute_from_command_line

    from accounts.configuration.table import BadEnvironment
    from project import bad_environment

    if sys.argv[1:2] == [BUILD_COMMAND]:
        _clear_environment()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    try:
        execute_from_command_line(sys.argv)
    except Exception as problem:
        if bad_environment.is_doctor_json(sys.argv):
            sys.stdout.write(f"{bad_environment.document(problem)}\n")
        elif not isinstance(problem, BadEnvironment):
            raise
        sys.exit(str(problem))


def _clear_environment() -> None:
    """A build has no settings yet; it neither serves nor connects, and needs none."""
    kept = {n: v for n, v in os.environ.items() if n in _BUILD_VARIABLES or n.startswith("PYTHON")}
    os.environ.clear()
    os.environ.update(kept, DEBUG="true")


def _use_venv() -> None:
    """Restart with the Python in .venv, if this one has no Django."""
    own = Path(__file__).resolve().with_name(".venv") / "bin" / "python"
    if find_spec("django") is not None:
        return
    if not own.exists() or Path(sys.prefix) == own.parent.parent:
        sys.exit(f"Django is not installed for {sys.executable}: use the Python that has it.")
    os.execv(own, [str(own), *sys.argv])  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
