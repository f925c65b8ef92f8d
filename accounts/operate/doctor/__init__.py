"""Doctor: checks everything that can break a sign-in, and says how to mend each.

finding        what is said of one thing              runner    runs the probes, bounded, in turn
environment    system checks, facts to compare        scrub     keeps secrets out of every text
redis          the session store                      database  and what it must keep apart
sessions       shared with a second process?          clock     ours against everyone's
app, people    who, and as which registration         online    what only Microsoft can tell
refusals       what people have met lately
public         the visit through the public address (login, start, rounds, verdict)
report         for people and for machines
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from accounts.operate.doctor import (
    app,
    clock,
    database,
    environment,
    people,
    redis,
    refusals,
    sessions,
)
from accounts.operate.doctor.finding import Finding
from accounts.operate.doctor.online import look as look_online
from accounts.operate.doctor.public import look as look_public
from accounts.operate.doctor.runner import Probe, Report, Teller, run

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Finding", "Report", "Teller", "diagnose", "online_findings"]


def diagnose(
    *, online: bool = False, url: str = "", ca_file: str = "", teller: Teller | None = None
) -> Report:
    """Look at everything; never raises."""
    return run(_probes(online=online, url=url, ca_file=ca_file), teller or Teller())


def online_findings() -> list[Finding]:
    """What Microsoft says of the app in force, for admin's page and `microsoft_app test`."""
    return run([Probe("microsoft", look_online)], Teller()).findings


def _probes(*, online: bool, url: str, ca_file: str) -> Iterator[Probe]:
    yield Probe("settings", environment.look)
    yield Probe("database", database.reachable)
    yield from _of_redis()
    yield Probe("schema", database.schema, (database.REACHABLE,))
    yield Probe("sessions", sessions.look, _needed_by_sessions())
    yield Probe("database condition", database.condition, (database.REACHABLE,))
    yield Probe("database clock", clock.of_database, (database.REACHABLE,))
    migrated = (database.REACHABLE, database.MIGRATED)
    yield Probe("app registration", app.look, migrated)
    yield Probe("people", people.look, migrated)
    yield Probe("recent refusals", refusals.look, migrated)
    if online:
        yield Probe("microsoft", look_online, migrated)
    if url:
        yield Probe("public address", partial(look_public, url, ca_file))


def _of_redis() -> Iterator[Probe]:
    if redis.is_used():
        yield Probe("redis", redis.reachable)
        yield Probe("redis writes", redis.writable, (redis.REACHABLE,))
        yield Probe("redis condition", redis.condition, (redis.REACHABLE,))
        yield Probe("redis clock", clock.of_redis, (redis.REACHABLE,))


def _needed_by_sessions() -> tuple[str, ...]:
    if sessions.is_in_database():
        return database.REACHABLE, database.MIGRATED, database.CACHE_TABLE
    return redis.REACHABLE, redis.WRITABLE
