"""Through PgBouncer everything works, and statements have the limits that they have without it."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from django.db import Error, connection, connections, transaction
from django.db.utils import load_backend
from pytest_django import DjangoDbBlocker

from project import databases, stores
from tests.servers.pgbouncer import AZURE, SILENT, PgBouncer
from tests.servers.postgres import Postgres
from tests.servers.release import TODAY
from tests.servers.site import Site
from tests.support.visitor import Visitor

LIMITS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
WANTED = ["15s", "5s", "30s"]
KINDS = [(mode, ignored) for mode in ("transaction", "session") for ignored in (AZURE, SILENT)]


def connect(url: str) -> Any:
    settings = {
        **connections["default"].settings_dict,
        **databases.database(stores.database(url)),
    }
    return load_backend(settings["ENGINE"]).DatabaseWrapper(settings, "pooled")


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: "-".join(kind))
def pooler(request: pytest.FixtureRequest, postgres: Postgres) -> Iterator[PgBouncer]:
    with PgBouncer(postgres, mode=request.param[0], ignored=request.param[1]) as started:
        yield started


@pytest.fixture
def pooled(pooler: PgBouncer, django_db_blocker: DjangoDbBlocker) -> Iterator[Any]:
    """A connection of Django's own, under a name that `transaction` knows."""
    made = connect(pooler.url_of("postgres"))
    connections.databases[made.alias] = made.settings_dict
    connections[made.alias] = made
    with django_db_blocker.unblock():
        yield made
    made.close()
    del connections[made.alias], connections.databases[made.alias]


def asked(by: Any, sql: str, params: Any = None) -> Any:
    with by.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchone()[0]


def test_statements_have_their_limits(pooled: Any) -> None:
    assert [asked(pooled, f"SHOW {name}") for name in LIMITS] == WANTED
    with transaction.atomic(using=pooled.alias):
        assert [asked(pooled, f"SHOW {name}") for name in LIMITS] == WANTED


def test_nobody_else_gets_them(pooled: Any, pooler: PgBouncer) -> None:
    """The pool's own connections are as they were."""
    asked(pooled, "SELECT 1")
    with psycopg.connect(pooler.url_of("postgres"), prepare_threshold=None) as other:
        assert [other.execute(f"SHOW {name}").fetchone()[0] for name in LIMITS] == ["0"] * 3  # type: ignore[index]


def test_parameters_and_percent_signs_arrive(pooled: Any) -> None:
    assert asked(pooled, "SELECT %s || '%%'", ["50"]) == "50%"
    assert asked(pooled, "SELECT '%'") == "%"
    assert asked(pooled, "WITH x AS (SELECT 1 AS a) SELECT a FROM x") == 1


def test_a_transaction_that_failed_is_taken_back(pooled: Any) -> None:
    with transaction.atomic(using=pooled.alias), pooled.cursor() as cursor:
        cursor.execute("SAVEPOINT one")
        with pytest.raises(Error):
            cursor.execute("SELECT 1/0")
        cursor.execute("ROLLBACK TO SAVEPOINT one")
        cursor.execute("SELECT 2")
        assert cursor.fetchone() == (2,)


def test_a_statement_that_takes_too_long_is_ended(pooled: Any) -> None:
    pooled.ensure_connection()
    pooled.connection.limits = pooled.connection.limits.replace("15s", "100ms")
    began = time.monotonic()
    with pytest.raises(Error, match="statement timeout"):
        asked(pooled, "SELECT pg_sleep(5)")
    assert time.monotonic() - began < 2


def test_many_threads_share_few_connections(pooler: PgBouncer, pooled: Any) -> None:
    url = pooler.url_of("postgres")

    def work(number: int) -> list[Any]:
        mine = connect(url)
        try:
            return [asked(mine, "SELECT %s::int", [number]) for _ in range(20)]
        finally:
            mine.close()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == [[number] * 20 for number in range(4)]


def test_a_direct_connection_sends_nothing_along(db: None) -> None:
    assert [asked(connection, f"SHOW {name}") for name in LIMITS] == WANTED
    assert (connection.connection.limits, "POOLED" in connection.settings_dict) == ("", False)


@pytest.mark.django_db(transaction=True)
def test_a_new_site_migrates_and_signs_people_in_through_it(
    start_site: Callable[..., Site], postgres: Postgres
) -> None:
    postgres.create_database("pooled")
    try:
        with PgBouncer(postgres) as pooler:
            site = start_site(DATABASE_URL=pooler.url_of("pooled"))
            for command in ("migrate -v 0", "staff add staff@contoso.example --superuser"):
                TODAY.manage(site.process.env, *command.split())
            visitor = Visitor(site.url)
            assert visitor.sign_in().status == 302
            assert visitor.get("/admin/accounts/signin/").status == 200
            site.stop()
    finally:
        postgres.drop_database("pooled")
