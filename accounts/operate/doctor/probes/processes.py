"""The running processes, compared with this command: same settings, same code?"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from django.utils import timezone

from ....process import processes
from ....process.processes import Process
from ..finding import Observation, fault, ok
from .sessions import store_name

_NAMED: Final = 5  # the rest is counted


def run() -> Iterator[Observation]:
    """Each process that differs, with the names of the settings that do; never their values."""
    if not processes.can_register():
        yield fault("processes.not_compared", store=store_name())
        return
    ours, running = processes.this_process(time.time()), processes.running()
    if running.foreign:
        names = ", ".join(running.foreign[:_NAMED])
        yield fault("processes.secret_key", count=len(running.foreign), names=names)
    elif not running.readable:
        yield fault("processes.none")
        return
    found = [seen for process in running.readable for seen in _compare(process, ours)]
    yield from found
    if running.readable and not found:
        yield ok("processes.settings", count=len(running.readable))


def _compare(process: Process, ours: Process) -> Iterator[Observation]:
    moment = timezone.localtime(datetime.fromtimestamp(process.since, tz=UTC))
    facts = {"process": process.name, "since": f"{moment:%Y-%m-%d %H:%M %Z}"}
    if process.secret_key != ours.secret_key:
        yield fault("processes.settings", names="SECRET_KEY", **facts)
        return
    names = [name for name, mark in ours.prints.items() if process.prints.get(name) != mark]
    if names:
        yield fault("processes.settings", names=", ".join(names), **facts)
    if process.release != ours.release:
        yield fault("processes.release", **facts)
