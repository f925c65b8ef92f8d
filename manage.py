#!/usr/bin/env python
"""Django's command line for this site."""

from __future__ import annotations

import os
import sys

from django.core.management import execute_from_command_line

from project.environment import BadEnvironment


def main() -> None:
    """Run the command; a bad environment is told in words, not by a traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    try:
        execute_from_command_line(sys.argv)
    except BadEnvironment as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main()
