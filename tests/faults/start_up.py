"""Faults of the environment alone: nothing starts, and all of them are tried in one process."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from tests.faults.fault import NO_START, START_UP, Fault
from tests.faults.stage import Said
from tests.servers.environment import deployed_environment
from tests.servers.once import once
from tests.servers.start_up import Told, started


def is_start_up(fault: Fault) -> bool:
    """Whether nothing but variables is wrong, and nothing starts with them."""
    told = (fault.page, fault.doctor) == (NO_START, START_UP)
    return told and isinstance(fault.env, Mapping) and not (fault.play or fault.before)


def site_and_doctor(fault: Fault) -> tuple[Told, Said]:
    """What gunicorn and doctor say to a deployed site's environment with the fault in it."""
    site, doctor = _all()[fault.sentence]
    document = json.loads(doctor.out) if doctor.out.startswith("{") else {}
    return site, Said(doctor.code, document, doctor.errors)


@cache
def _all() -> dict[str, tuple[Told, Told]]:
    """What was told, by the faults' sentences; all are tried once in a test run."""
    text = (once("start-ups", _try_all) / "told.json").read_text()
    return {key: (Told(*site), Told(*doctor)) for key, (site, doctor) in json.loads(text).items()}


def _try_all(directory: Path) -> None:
    from tests.faults.catalogue import faults

    wrong = {f.sentence: f.env for _, f in faults() if is_start_up(f) and not callable(f.env)}
    told = started({**deployed_environment(), **env} for env in wrong.values())
    (directory / "told.json").write_text(json.dumps(dict(zip(wrong, told, strict=True))))
