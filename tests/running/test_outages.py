"""Outages as people meet them, at the site under gunicorn: which page, how soon, and what is kept.

`make test ARGS="tests/running/test_outages.py -s"` prints what it measured,
which is the table of docs/operate.md.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import pytest
from django.db import connections

from accounts.http.client import SLOTS
from accounts.models import User
from tests.emulator.server import Emulator
from tests.servers.postgres import Postgres
from tests.servers.redis import Redis
from tests.servers.site import Site
from tests.support.visitor import LOGIN, START, Page, Visitor

pytestmark = pytest.mark.django_db(transaction=True)

SOON = 3.0


@dataclass(frozen=True, slots=True)
class Met:
    """A page, and the seconds until it came."""

    page: Page
    seconds: float


def timed(ask: Callable[[], Page]) -> Met:
    began = time.monotonic()
    return Met(ask(), time.monotonic() - began)


@pytest.fixture(scope="module")
def table() -> Iterator[list[str]]:
    rows: list[str] = []
    yield rows
    print("\n| fault | page | status | seconds |\n| --- | --- | --- | --- |", *rows, sep="\n")


@pytest.fixture
def measured(table: list[str], request: pytest.FixtureRequest) -> Callable[..., str]:
    """Adds a row under the test's name; the page's reason."""

    def add(met: Met, then: str = "") -> str:
        name = request.node.name.removeprefix("test_").replace("_", " ") + then
        reason = met.page.reason
        table.append(f"| {name} | `{reason}` | {met.page.status} | {met.seconds:.1f} |")
        return reason

    return add


@pytest.fixture
def visitor(site: Site) -> Visitor:
    """Staff with a session."""
    User.objects.create_user("staff@contoso.example", is_superuser=True)
    made = Visitor(site.url)
    assert made.sign_in().status == 302
    return made


@pytest.fixture
def redis_hangs(visitor: Visitor, redis_server: Redis) -> Iterator[Redis]:
    """Call `pause`; it answers again when the test ends."""
    yield redis_server
    redis_server.resume()


@pytest.fixture
def database(visitor: Visitor, postgres: Postgres) -> Iterator[Postgres]:
    """PostgreSQL, which may be away; it is back when the test ends."""
    yield postgres
    postgres.process.resume()
    postgres.restart()
    connections.close_all()  # the tests' own ended with the server


def test_redis_hangs_while_staff_are_in_admin(
    visitor: Visitor, redis_hangs: Redis, measured: Callable[..., str]
) -> None:
    cookie = visitor.session_cookie()
    redis_hangs.pause()
    met = timed(lambda: visitor.get("/admin/"))
    assert (measured(met), met.page.status) == ("session_store_unavailable", 503)
    assert met.seconds < SOON
    assert visitor.session_cookie() == cookie
    redis_hangs.resume()
    assert visitor.is_in()


def test_redis_is_gone_while_staff_are_in_admin(
    start_site: Callable[..., Site], visitor: Visitor, measured: Callable[..., str]
) -> None:
    with Redis("--appendfsync", "always", keep=True) as redis:
        own = Visitor(start_site(workers=1, REDIS_URL=redis.url).url)
        own.sign_in()
        redis.kill()
        met = timed(lambda: own.get("/admin/"))
        assert (measured(met), met.page.status) == ("session_store_unavailable", 503)
        assert met.seconds < SOON
        redis.start()
        assert own.is_in()


def test_redis_hangs_while_someone_is_at_microsoft(
    visitor: Visitor, redis_hangs: Redis, measured: Callable[..., str]
) -> None:
    visitor, callback = _at_microsoft(visitor)
    redis_hangs.pause()
    met = timed(lambda: visitor.come_back(callback))
    assert (measured(met), met.page.status) == ("session_store_unavailable", 503)
    assert met.seconds < SOON
    redis_hangs.resume()
    assert _one_press_leads_in(visitor, met.page)


def test_postgresql_restarts_between_two_pages(
    visitor: Visitor, site: Site, database: Postgres
) -> None:
    workers = site.workers()
    for _thread in range(8):
        assert visitor.is_in()
    database.restart()
    assert all(visitor.is_in() for _thread in range(8))
    assert site.workers() == workers


def test_postgresql_is_gone_while_staff_are_in_admin(
    visitor: Visitor, database: Postgres, measured: Callable[..., str]
) -> None:
    cookie = visitor.session_cookie()
    database.stop()
    met = timed(lambda: visitor.get("/admin/"))
    assert (measured(met), met.page.status) == ("database_unavailable", 503)
    assert met.seconds < SOON
    assert visitor.session_cookie() == cookie
    database.start()
    assert visitor.is_in()


def test_postgresql_hangs_while_staff_are_in_admin(
    visitor: Visitor, database: Postgres, measured: Callable[..., str]
) -> None:
    """Its connections stay open, so that neither TCP nor its own time-out ends the wait."""
    database.process.pause()
    met = timed(lambda: visitor.get("/admin/"))
    assert (measured(met), met.page.status) == ("database_unavailable", 503)
    assert met.seconds < 2 * SOON
    database.process.resume()
    assert visitor.is_in()


def test_postgresql_hangs_while_someone_is_at_microsoft(
    visitor: Visitor, database: Postgres, measured: Callable[..., str]
) -> None:
    visitor, callback = _at_microsoft(visitor)
    database.process.pause()
    met = timed(lambda: visitor.come_back(callback))
    assert (measured(met), met.page.status) == ("database_unavailable", 503)
    assert met.seconds < 2 * SOON
    database.process.resume()
    assert _one_press_leads_in(visitor, met.page)


def test_postgresql_is_gone_while_someone_is_at_microsoft(
    visitor: Visitor, database: Postgres, measured: Callable[..., str]
) -> None:
    visitor, callback = _at_microsoft(visitor)
    database.stop()
    met = timed(lambda: visitor.come_back(callback))
    assert (measured(met), met.page.status) == ("database_unavailable", 503)
    assert met.seconds < SOON
    database.start()
    assert _one_press_leads_in(visitor, met.page)


def _at_microsoft(staff: Visitor) -> tuple[Visitor, str]:
    """The same person in another browser, on the way back from Microsoft."""
    other = Visitor(staff.site_url)
    return other, other.choose(other.press_button())


def _one_press_leads_in(visitor: Visitor, page: Page) -> bool:
    callback = visitor.choose(visitor.submit(page).location)
    return visitor.come_back(callback).status == 302 and visitor.is_in()


def test_microsoft_hangs_while_many_sign_in(
    start_site: Callable[..., Site],
    visitor: Visitor,
    emulator: Emulator,
    measured: Callable[..., str],
) -> None:
    site = start_site(workers=1)
    many = [Visitor(site.url) for _ in range(SLOTS + 5)]
    callbacks = [each.choose(each.press_button()) for each in many]
    staff = Visitor(site.url)
    staff.sign_in()
    emulator.answer_token(hang=True)
    with ThreadPoolExecutor(len(many)) as pool:
        waiting = [
            pool.submit(timed, partial(each.come_back, callback))
            for each, callback in zip(many, callbacks, strict=True)
        ]
        time.sleep(0.5)  # now they wait, and these are not among them
        others = [timed(partial(staff.get, path)) for path in ("/admin/", LOGIN, START)]
    met = [one.result() for one in waiting]
    assert {measured(max(met, key=lambda one: one.seconds))} == {"microsoft_unreachable"}
    assert {(one.page.reason, one.page.status) for one in met} == {("microsoft_unreachable", 503)}
    assert sum(one.seconds > 5 for one in met) <= SLOTS // 2  # they share one address
    assert max(one.seconds for one in met) < 11.5
    assert max(one.seconds for one in others) < 2
    _the_next_is_told_at_once(Visitor(site.url), measured)


def _the_next_is_told_at_once(late: Visitor, measured: Callable[..., str]) -> None:
    """The circuit is open: Microsoft is not asked."""
    callback = late.choose(late.press_button())
    met = timed(lambda: late.come_back(callback))
    assert measured(met, ", and one more comes") == "microsoft_unreachable"
    assert met.seconds < 1
