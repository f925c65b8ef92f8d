"""Faults of the environment alone: nothing starts, and all of them are tried in one process."""

import json
from collections.abc import Mapping
from functools import cache

from tests.faults.fault import NO_START, START_UP, Fault
from tests.faults.stage import Said
from tests.servers.environment import deployed_environment
from tests.servers.start_up import Told, started


def is_start_up(fault: Fault) -> bool:
    """Whether nothing but variables is wrong, and nothing starts with them."""
    told = (fault.page, fault.doctor) == (NO_START, START_UP)
    return told and isinstance(fault.env, Mapping) and not (fault.play or fault.before)


def site_and_doctor(fault: Fault) -> tuple[Told, Said]:
    """What gunicorn and doctor say to a deployed site's environment with the fault in it."""
    site, doctor = _all()[_key(fault)]
    document = json.loads(doctor.out) if doctor.out.startswith("{") else {}
    return site, Said(doctor.code, document, doctor.errors)


@cache
def _all() -> dict[str, tuple[Told, Told]]:
    from tests.faults.catalogue import faults

    keys = [_key(fault) for _, fault in faults() if is_start_up(fault)]
    told = started(deployed_environment() | json.loads(key) for key in keys)
    return dict(zip(keys, told, strict=True))


def _key(fault: Fault) -> str:
    return json.dumps(fault.env)
