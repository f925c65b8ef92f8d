"""Run the local Entra emulator. Development only."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from typing_extensions import override

DEFAULT_PORT = 8400


class Command(BaseCommand):
    """Executes `python -m` the emulator, since production code does not import it."""

    requires_system_checks = ()  # its own error message comes first
    help = "Run the local Entra emulator. Example: ./manage.py entra_emulator --port 8400"

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        default = os.environ.get("EMULATOR_PORT") or DEFAULT_PORT  # parsed like the option
        parser.add_argument("--port", type=int, default=default)

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("entra_emulator works only with DEBUG=true: it signs anyone in.")
        arguments = [sys.executable, "-m", _emulator(), "--port", str(options["port"])]
        os.execv(sys.executable, arguments)  # noqa: S606 - our own module, no shell


def _emulator() -> str:
    """The wheel's package of it, or in this project's repository the tests'."""
    in_wheel = f"{__name__.partition('.')[0]}_emulator"
    return in_wheel if find_spec(in_wheel) else "tests.emulator"
