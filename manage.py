#!/usr/bin/env python3
"""Django's command line for this site."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path


def main() -> None:
    """Run the command; a bad environment is told in words, not by a traceback."""
    _use_the_sites_python()
    from django.core.management import execute_from_command_line

    from project.environment import BadEnvironment

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    try:
        execute_from_command_line(sys.argv)
    except BadEnvironment as problem:
        sys.exit(str(problem))


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
