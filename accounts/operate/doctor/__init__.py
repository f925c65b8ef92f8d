"""Doctor: checks everything that can break a sign-in, and says how to fix each.

catalogue   every finding's texts, as data      finding   an id and facts become a finding
probes      check, and yield ids and facts      visit     signs in through the public address
causes      what an error's code means          run       runs the probes, one after the other
report      for people and for machines         page      docs/doctor.md
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from allauth.socialaccount.models import SocialApp
from django.db import DatabaseError

from ... import registration
from ...reasons import Refused
from ..credential_test import CheckedCredential
from ..microsoft_app import remember_tests
from . import visit
from .finding import Finding, Observation
from .probes import (
    app,
    claims,
    clock,
    database,
    microsoft,
    people,
    processes,
    redis,
    refusals,
    roles,
    sessions,
    settings,
)
from .run import Probe, Progress, Report, run

__all__ = [
    "Finding",
    "Progress",
    "Report",
    "ask_microsoft",
    "diagnose",
    "findings_of",
    "online_findings",
]


def diagnose(
    *,
    online: bool = False,
    url: str = "",
    ca_file: str = "",
    slow: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Check everything that is asked for; never raises."""
    asked = {"Microsoft (--online)": online, "the public address (--url)": bool(url)}
    not_asked = tuple(name for name, is_asked in asked.items() if not is_asked)
    public = partial(visit.run, url, ca_file, slow=slow) if url else None
    return run(_probes(public, online=online), progress, not_asked)


def online_findings() -> list[Finding]:
    """What Microsoft says of the app in force; the results are stored with it, if admin has it."""
    try:
        in_force = registration.read_afresh().app
    except (Refused, DatabaseError):
        return run([Probe("microsoft", microsoft.run)]).findings
    return [*findings_of(in_force), *run([Probe("claims", claims.run)]).findings]


def findings_of(app: SocialApp) -> list[Finding]:
    """What Microsoft says of this app, in force or not; the results are stored with it."""
    findings, tests = ask_microsoft(app)
    if app.pk and remember_tests(app, tests):
        app.save(update_fields=["settings"])
    return findings


def ask_microsoft(app: SocialApp) -> tuple[list[Finding], dict[str, str]]:
    """The findings on an app, saved or not, and by slot the test of each credential.

    A test is "" or a reason code; there is none where Microsoft did not answer.
    """
    tried: list[CheckedCredential] = []
    ask = partial(microsoft.run, partial(registration.of_app, app), tried)
    findings = run([Probe("microsoft", ask)]).findings
    slots = registration.by_slot(app) if tried else []  # raises where nothing could be tried
    tests = {
        slot: checked.refusal.reason.code if checked.refusal else ""
        for (slot, _credential), checked in zip(slots, tried, strict=False)
        if not checked.is_unclear
    }
    return findings, tests


def _probes(public: Callable[[], Iterable[Observation]] | None, *, online: bool) -> Iterator[Probe]:
    reachable = (database.REACHABLE,)
    migrated = (database.REACHABLE, database.MIGRATED, "database.schema")
    yield Probe("settings", settings.run)
    yield Probe("database", database.reachable)
    if redis.is_used():
        yield Probe("redis", redis.reachable)
        yield Probe("redis writes", redis.writable, (redis.REACHABLE,))
        yield Probe("redis use", redis.uses, (redis.REACHABLE, redis.WRITABLE))
        yield Probe("redis condition", redis.condition, (redis.REACHABLE,))
        yield Probe("redis clock", clock.of_redis, (redis.REACHABLE,))
    yield Probe("processes", processes.run, redis.USABLE)
    yield Probe("schema", database.schema, reachable)
    yield Probe("sessions", sessions.run, _needed_by_sessions())
    yield Probe("database condition", database.condition, reachable)
    yield Probe("database use", database.uses, (*migrated, "database.writable"))
    yield Probe("database clock", clock.of_database, reachable)
    yield Probe("app registration", app.run, (*migrated, redis.REACHABLE))
    yield Probe("people", people.run, migrated)
    yield Probe("recent refusals", refusals.run, migrated)
    yield Probe("claims", claims.run, migrated)
    yield Probe("roles", roles.run, migrated)
    if online:
        yield Probe("microsoft", microsoft.run, migrated)
    if public:
        yield Probe("public address", public)


def _needed_by_sessions() -> tuple[str, ...]:
    if sessions.is_in_database():
        return database.REACHABLE, database.MIGRATED, database.CACHE_TABLE
    return redis.USABLE
