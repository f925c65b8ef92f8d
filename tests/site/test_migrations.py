"""Migrations run from zero, and while the version before still serves."""

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.apps.registry import Apps
from django.db import connection
from django.db.migrations import operations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.models import NOT_PROVIDED
from django.utils import timezone

from tests.servers.postgres import Postgres
from tests.support import operators

APP = "accounts"
LOADER = MigrationLoader(None)
RELEASES = sorted(name for app, name in LOADER.disk_migrations if app == APP)
DEVELOPMENT = {"DEBUG": "true", "PUBLIC_URL": "http://localhost:8000"}
# What the code before knows nothing of, and need not: it goes on as if it were not there.
ADDITIVE = (operations.CreateModel, operations.AddIndex, operations.AlterModelOptions)
ADDS_AN_INDEX = re.compile(r"CREATE (UNIQUE )?INDEX ", re.IGNORECASE)


def later_operations() -> Iterator[Any]:
    for name in RELEASES[1:]:
        for number, operation in enumerate(LOADER.disk_migrations[APP, name].operations):
            yield pytest.param(operation, id=f"{name}-{number}")


def manage(database_url: str, *arguments: str, **env: str) -> str:
    ended = operators.manage(*arguments, DATABASE_URL=database_url, **env)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_they_apply_from_zero_on_postgresql(postgres: Postgres) -> None:
    url = postgres.create_database("from_zero")
    manage(url, "migrate", "--verbosity", "0")
    manage(url, "migrate", "--check")
    postgres.drop_database("from_zero")


def test_they_apply_from_zero_on_sqlite(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'db.sqlite3'}"
    manage(url, "migrate", "--verbosity", "0", **DEVELOPMENT)
    manage(url, "migrate", "--check", **DEVELOPMENT)


def test_they_can_be_taken_back_to_the_first(postgres: Postgres) -> None:
    url = postgres.create_database("taken_back")
    manage(url, "migrate", "--verbosity", "0")
    manage(url, "migrate", APP, RELEASES[0], "--verbosity", "0")
    postgres.drop_database("taken_back")


@pytest.mark.parametrize("operation", [*later_operations()])
def test_after_the_first_release_they_only_add(operation: Operation) -> None:
    """A column or table that the old code uses must wait until no old code is left."""
    match operation:
        case operations.AddField():
            field = operation.field
            assert field.null or getattr(field, "db_default", NOT_PROVIDED) is not NOT_PROVIDED
        case operations.RunSQL():
            assert ADDS_AN_INDEX.match(str(operation.sql))
        case operations.AlterField():
            assert _stored_as_before(operation)
        case operations.RunPython():
            assert operation.reverse_code
        case _:
            assert isinstance(operation, ADDITIVE)


def _stored_as_before(operation: operations.AlterField) -> bool:
    """Only what Django makes of it has changed, such as its choices."""
    migration = next(
        name for name in RELEASES if operation in LOADER.disk_migrations[APP, name].operations
    )
    before = models_of(RELEASES[RELEASES.index(migration) - 1])
    field = before.get_model(APP, operation.model_name)._meta.get_field(operation.name)
    *_, old = field.deconstruct()
    *_, new = operation.field.deconstruct()
    return bool(old | {"choices": None} == new | {"choices": None})


def models_of(release: str) -> Apps:
    """The models as the code of this release has them."""
    return LOADER.project_state((APP, release)).apps


@pytest.mark.django_db
@pytest.mark.parametrize("release", RELEASES)
def test_the_code_of_each_release_works_on_todays_tables(release: str) -> None:
    old = models_of(release)
    users, rows, links = (old.get_model(APP, name) for name in ("User", "SignIn", "BreakGlassLink"))
    user = users.objects.create(email="staff@contoso.example", is_superuser=True)
    rows.objects.create(user=user, outcome="admitted", reference="AAAA-AAAA", email=user.email)
    links.objects.create(user=user, token_hash="x", expires_at=timezone.now())
    users.objects.filter(email__iexact="STAFF@contoso.example").update(last_login=timezone.now())
    assert [row.user.email for row in rows.objects.select_related("user")] == [user.email]
    assert rows.objects.filter(at__lte=timezone.now()).delete()[0] == 1


@pytest.mark.django_db
def test_todays_code_works_on_the_tables_of_the_next_release() -> None:
    """Which adds a table, a column that may be empty, and one that PostgreSQL fills."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE accounts_next (id bigint PRIMARY KEY)")
        cursor.execute("ALTER TABLE accounts_signin ADD COLUMN device text")
        cursor.execute("ALTER TABLE accounts_user ADD COLUMN floor int NOT NULL DEFAULT 0")
    test_the_code_of_each_release_works_on_todays_tables(RELEASES[-1])


@pytest.mark.django_db(transaction=True)
def test_a_migration_that_must_wait_gives_up_before_those_who_wait_for_it(
    postgres: Postgres,
) -> None:
    """Behind a backup, say, which holds every table until it has read all of them."""
    url = postgres.create_database("held")
    manage(url, "migrate", APP, RELEASES[2], "--verbosity", "0")
    with psycopg.connect(url) as backup, psycopg.connect(url) as page, ThreadPoolExecutor() as pool:
        backup.execute("LOCK TABLE accounts_user IN ACCESS SHARE MODE")
        migration = pool.submit(operators.manage, "migrate", DATABASE_URL=url)
        while not page.execute("SELECT FROM pg_locks WHERE NOT granted").rowcount:
            time.sleep(0.02)
        page.rollback()
        page.execute("SET lock_timeout = '5s'")  # as the site's connections have it
        assert page.execute("SELECT FROM accounts_user").rowcount == 0
        ended = migration.result()
    assert (ended.returncode, "Traceback" in ended.stderr) == (1, False)
    assert "Someone else holds a table" in ended.stderr
    manage(url, "migrate", "--verbosity", "0")
    postgres.drop_database("held")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("atomic", "lock"), [(True, "2s"), (False, "0")])
def test_a_migration_takes_its_time_and_leaves_the_sites_time_outs(atomic: bool, lock: str) -> None:
    before = time_outs()
    assert before == ("5s", "15s", 20.0)
    with connection.schema_editor(atomic=atomic):
        assert time_outs() == (lock, "0", None)
    assert time_outs() == before


def time_outs() -> tuple[str, str, float | None]:
    """For locks and statements at the server, and for an answer in seconds at the client."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('lock_timeout'), current_setting('statement_timeout')"
        )
        lock, statement = cursor.fetchone()
    session: Any = connection.connection
    return lock, statement, session.reply_timeout
