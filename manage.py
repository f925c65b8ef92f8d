#!/usr/bin/env python
"""Django's command line for this site."""

from __future__ import annotations

import os
import sys

from django.core.management import execute_from_command_line

from project import bad_environment
from project.environment import BadEnvironment

BUILDING = "collectstatic"
_OF_A_BUILD = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV")


def main() -> None:
    """Run the command; a bad environment is told in words, or as JSON, not by a traceback."""
    if sys.argv[1:2] == [BUILDING]:
        _forget_settings()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    try:
        execute_from_command_line(sys.argv)
    except BadEnvironment as problem:
        if not bad_environment.is_asked_for_json(sys.argv):
            sys.exit(str(problem))
        _tell(problem)
    except Exception as problem:
        if not bad_environment.is_asked_for_json(sys.argv):
            raise
        _tell(problem)


def _tell(problem: Exception) -> None:
    """For a machine: doctor's document; and the words where a person may look for them."""
    sys.stdout.write(f"{bad_environment.document(problem)}\n")
    sys.exit(str(problem))


def _forget_settings() -> None:
    """A build has none of them yet, or not all; it neither serves nor connects, and needs none."""
    kept = {n: v for n, v in os.environ.items() if n in _OF_A_BUILD or n.startswith("PYTHON")}
    os.environ.clear()
    os.environ.update(kept, DEBUG="true")


if __name__ == "__main__":
    main()
