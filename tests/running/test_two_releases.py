"""While people work, a release takes over from the one before: it migrates, both serve, one stays.

Played twice: by today's release over the code before the newest migration, and by one that adds two
columns and an index over today's. All of them run on today's packages.
"""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Self

import psycopg
import pytest
from typing_extensions import override

from tests.emulator.people import Person
from tests.emulator.server import Emulator
from tests.servers.environment import site_environment
from tests.servers.migrated import TEMPLATE
from tests.servers.ports import free_port
from tests.servers.postgres import Postgres
from tests.servers.redis import Redis
from tests.servers.release import (
    TODAY,
    NoHistory,
    Release,
    commit_before_the_newest_migration,
    release_of,
)
from tests.servers.site import Site
from tests.soak.client import Admitted, Client, NotSignedIn
from tests.support.next_release import next_release
from tests.support.reports import not_tried
from tests.support.visitor import LOGIN, Page

DATABASE = "two_releases"
PEOPLE = 4
PAUSE_S = 0.05  # between rounds, which leaves the migration some of the processor
LOCK_TIMEOUT_S = 5.0  # of project/databases.py
# It seals sessions, so that neither release reads those of one without it. Before the first release
# that signed nobody out; later it would sign out everyone, so it is the last.
CHANGED_SESSIONS = "accounts/sessions/entries.py"
RECORDED = """
    SELECT reference, outcome = 'admitted' AND user_id IS NOT NULL AND email <> '' AND tid <> ''
        AND oid <> '' AND client_ip IS NOT NULL AND host <> '' AND took_ms > 0
    FROM accounts_signin WHERE outcome = 'admitted'
"""


def today_over_the_one_before() -> tuple[Release, Release]:
    return release_of(commit_before_the_newest_migration()), TODAY


def the_next_over_today() -> tuple[Release, Release]:
    return TODAY, next_release()


TAKEOVERS = [today_over_the_one_before, the_next_over_today]
try:
    commit_before_the_newest_migration()
except NoHistory as problem:
    TAKEOVERS.remove(today_over_the_one_before)
    not_tried.append(f"Today's release over the one before, which takes git's history: {problem}")


class Staff(Client):
    """Someone at the public address, whom a balancer may lead to either release."""

    def __init__(self, site_url: str, number: int, person: str) -> None:
        super().__init__(site_url, number, person)
        self.admitted: list[str] = []
        self.slowest = 0.0

    def at(self, site: Site) -> Self:
        self.port = site.port
        return self

    def is_in(self) -> bool:
        return self.ask("GET", "/admin/").status == 200

    @override
    def sign_in(self) -> Admitted:
        """In a browser that knows nothing yet."""
        self.fresh()
        return super().sign_in()

    @override
    def come_back(self, callback: str) -> Admitted:
        admitted = super().come_back(callback)
        self.admitted.append(admitted.reference)
        return admitted

    @override
    def ask(self, method: str, path: str, fields: dict[str, str] | None = None) -> Page:
        began = time.monotonic()
        page = super().ask(method, path, fields)
        self.slowest = max(self.slowest, time.monotonic() - began)
        return page


@dataclass(frozen=True, slots=True)
class Takeover:
    """Both serve. `met` is what people met at the old one, from before the migration until now."""

    old: Release
    new: Release
    env: dict[str, str]
    staff: list[Staff]
    old_site: Site
    new_site: Site
    met: list[str]
    slowest: float

    @property
    def both_ways(self) -> Iterator[tuple[Staff, Site, Site]]:
        yield self.staff[0], self.old_site, self.new_site
        yield self.staff[1], self.new_site, self.old_site

    @property
    def keeps_sessions(self) -> bool:
        return (self.old.root / CHANGED_SESSIONS).exists()

    def only(self, site: Site) -> Staff:
        """The other site is stopped; someone who asks the one that serves."""
        if not site.process.running:
            site.start()
        other = self.new_site if site is self.old_site else self.old_site
        other.stop()
        return self.staff[0].at(site)


@pytest.fixture(scope="module", params=TAKEOVERS, ids=lambda releases: releases.__name__)
def takeover(
    request: pytest.FixtureRequest, postgres: Postgres, redis_server: Redis, _emulator: Emulator
) -> Iterator[Takeover]:
    old, new = request.param()
    port = free_port()
    env = site_environment(
        public_url=f"http://localhost:{port}",
        database_url=postgres.create_database(DATABASE, *([TEMPLATE] if old is TODAY else [])),
        redis_url=redis_server.url_of(1),  # the other is emptied before each test
        login_url=_emulator.url,
    )
    redis_server.client(1).flushdb()
    with ExitStack() as stack:
        stack.callback(postgres.drop_database, DATABASE)
        if old is not TODAY:  # whose tables are there
            old.manage(env, "migrate", "--verbosity", "0")
        staff = staff_of(old, env, _emulator)
        old_site = stack.enter_context(Site(env, port=port, root=old.root))
        with at_work(staff) as met:
            new.manage(env, "migrate", "--verbosity", "0")
            new_site = stack.enter_context(Site(env, root=new.root))
        slowest = max(one.slowest for one in staff)
        yield Takeover(old, new, env, staff, old_site, new_site, met, slowest)


def staff_of(release: Release, env: dict[str, str], microsoft: Emulator) -> list[Staff]:
    names = [f"staff{number}" for number in range(PEOPLE)]
    emails = [f"{name}@contoso.example" for name in names]
    release.manage(env, "staff", "add", *emails, "--superuser")
    microsoft.reset()
    for name, email in zip(names, emails, strict=True):
        microsoft.register_person(Person(name, name, email, email))
    return [Staff(env["PUBLIC_URL"], number, name) for number, name in enumerate(names)]


@contextmanager
def at_work(staff: list[Staff]) -> Iterator[list[str]]:
    """Half of them open page after page with one session; the others sign in each time."""
    met: list[str] = []
    done = threading.Event()

    def work(one: Staff, *, signs_in_each_time: bool) -> None:
        while True:
            try:
                if signs_in_each_time:
                    one.sign_in()
                met.append("admin" if one.is_in() else "no admin")
            except NotSignedIn as failure:
                page = failure.page
                met.append(f"{failure.step}: {f'{page.status} {page.reason}' if page else 'lost'}")
            if done.wait(PAUSE_S):
                break

    for one in staff:
        one.sign_in()
    with ThreadPoolExecutor(len(staff)) as pool:
        works = [
            pool.submit(work, one, signs_in_each_time=number % 2 == 1)
            for number, one in enumerate(staff)
        ]
        try:
            yield met
        finally:
            done.set()
    for each in works:
        each.result()


def test_nobody_notices_the_migration(takeover: Takeover) -> None:
    print(f"\n{len(takeover.met)} rounds, the slowest page took {takeover.slowest:.2f} s")
    assert set(takeover.met) == {"admin"}
    assert all(len(one.admitted) > 1 for one in takeover.staff[1::2])
    assert takeover.slowest < LOCK_TIMEOUT_S


def test_a_session_of_one_release_is_good_at_the_other(takeover: Takeover) -> None:
    for someone, here, there in takeover.both_ways:
        someone.at(here).sign_in()
        page = someone.at(there).ask("GET", "/admin/")
        assert page.status == (200 if takeover.keeps_sessions else 302)


def test_a_sign_in_begun_at_one_release_ends_at_the_other(takeover: Takeover) -> None:
    for someone, here, there in takeover.both_ways:
        someone.fresh()
        callback = someone.at(here).leave(someone.ask("GET", LOGIN))
        with nullcontext() if takeover.keeps_sessions else pytest.raises(NotSignedIn):
            someone.at(there).come_back(callback)
        assert someone.is_in() == takeover.keeps_sessions


def test_the_new_release_goes_on_alone(takeover: Takeover) -> None:
    someone = takeover.only(takeover.new_site)
    someone.sign_in()
    assert someone.is_in()


def test_the_old_release_can_be_put_back_on_the_new_tables(takeover: Takeover) -> None:
    """Nothing is migrated back: its own release step finds nothing to do."""
    takeover.old.manage(takeover.env, "migrate", "--noinput")
    someone = takeover.only(takeover.old_site)
    someone.sign_in()
    assert someone.is_in()


def test_each_sign_in_is_recorded_once(takeover: Takeover) -> None:
    """Whichever release it was at."""
    admitted = [reference for one in takeover.staff for reference in one.admitted]
    with psycopg.connect(takeover.env["DATABASE_URL"]) as connection:
        rows = connection.execute(RECORDED).fetchall()
    assert sorted(rows) == sorted((reference, True) for reference in admitted)
