"""What must hold of a fault that was played: page, record, log and doctor tell the same cause."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

from django.db import close_old_connections

from accounts.management.commands.doctor import EXIT_CODES
from accounts.models import SignIn
from accounts.reasons import REASONS
from tests.faults.fault import GETS_IN, NO_START, START_UP, Fault
from tests.faults.stage import Said, Stage
from tests.faults.start_up import site_and_doctor
from tests.support.tiny_server import eventually

LOUD = ("warning", "error", "critical")


def check(fault: Fault, stage: Stage) -> None:
    """Play it, ask doctor, and compare with what the row expects."""
    page = stage.play(fault)
    log = stage.log()  # doctor's own visits are logged too
    said = stage.doctor(*fault.ask)
    assert page == fault.page
    check_doctor(fault, said)
    stage.stack.close()  # a database that was away is back
    close_old_connections()  # the next use finds out
    check_record(fault, stage.reference)
    if fault.log is None:
        assert [line for line in _lines(log) if line.get("level") in LOUD] == []
    else:
        check_log(fault, stage)


def check_start_up(fault: Fault) -> None:
    """Neither the site nor doctor starts; both name the cause, without a traceback."""
    site, doctor = site_and_doctor(fault)
    assert site.code == 1
    assert fault.says in site.errors, site.errors
    assert "Traceback" not in site.errors + doctor.errors
    check_doctor(fault, doctor)


def check_doctor(fault: Fault, said: Said) -> None:
    """The finding is there, in these words; the exit code fits."""
    if fault.doctor == START_UP:
        assert (said.code, fault.says in said.errors) == (1, True), said.errors
        return
    assert fault.doctor in said.problems, f"{said.problems}\n{said.errors}"
    assert fault.says in said.problems[fault.doctor]
    levels = {finding["level"] for finding in said.document["findings"]}
    assert said.code == next((code for level, code in EXIT_CODES.items() if level in levels), 0)


def check_record(fault: Fault, reference: str) -> None:
    """The newest row has the page's reason and reference, and tells the detail."""
    people = SignIn.objects.exclude(user_agent__startswith="doctor")
    rows = list(people.order_by("-at", "-pk"))
    if fault.record is None or fault.page == NO_START:
        assert not rows, [(row.reason, row.detail) for row in rows]
        return
    assert rows, "nothing was recorded; is record=None meant?"
    row = rows[0]
    assert fault.record in row.detail
    if fault.page == GETS_IN:
        assert row.outcome == SignIn.Outcome.ADMITTED
    if fault.page in REASONS:
        assert (row.reason, row.reference) == (fault.page, reference)


def check_log(fault: Fault, stage: Stage) -> None:
    """The log has the cause, and the reference by which people ask for it."""
    wanted = [fault.log, stage.reference] if fault.page != NO_START else [fault.says]
    for text in filter(None, wanted):
        assert eventually(partial(_is_logged, text, stage), 2), f"{text!r}:\n{stage.log()}"


def _is_logged(text: str, stage: Stage) -> bool:
    return text in stage.log()


def _lines(log: str) -> Iterator[dict[str, Any]]:
    return (json.loads(line) for line in log.splitlines() if line.startswith("{"))
