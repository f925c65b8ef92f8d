#!/usr/bin/env python3
"""Django's command line for this site."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path

BUILDING = "collectstatic"
_OF_A_BUILD = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV")


def main() -> None:
    """Run the command; a bad environment is told in words, or as JSON, not by a traceback."""
    _use_the_sites_python()
    from django.core.management import execute_from_command_line

    from accounts.configuration.table import BadEnvironment
    from project import bad_environment

    if sys.argv[1:2] == [BUILDING]:
        _forget_settings()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    try:
        execute_from_command_line(sys.argv)
    except BadEnvironment as problem:
        if not bad_environment.is_asked_for_json(sys.argv):
            sys.exit(str(problem))
        _tell(bad_environment.document(problem), problem)
    except Exception as problem:
        if not bad_environment.is_asked_for_json(sys.argv):
            raise
        _tell(bad_environment.document(problem), problem)


def _tell(document: str, problem: Exception) -> None:
    """For a machine: doctor's document; and the words where a person may look for them."""
    sys.stdout.write(f"{document}\n")
    sys.exit(str(problem))


def _forget_settings() -> None:
    """A build has none of them yet, or not all; it neither serves nor connects, and needs none."""
    kept = {n: v for n, v in os.environ.items() if n in _OF_A_BUILD or n.startswith("PYTHON")}
    os.environ.clear()
    os.environ.update(kept, DEBUG="true")


def _use_the_sites_python() -> None:
    """Begin again with .venv's, where this Python (of an unprepared shell) has no Django."""
    own = Path(__file__).resolve().with_name(".venv") / "bin" / "python"
    if find_spec("django") is not None:
        return
    if not own.exists() or Path(sys.prefix) == own.parent.parent:
        sys.exit(f"Django is not installed for {sys.executable}: use the Python that has it.")
    os.execv(own, [str(own), *sys.argv])  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
