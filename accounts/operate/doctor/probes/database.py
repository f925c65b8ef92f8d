"""The database: does it answer, may we write, is it migrated, does it keep identities apart?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from allauth.socialaccount.models import SocialAccount
from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import DatabaseError
from django.db.migrations.executor import MigrationExecutor
from django.db.models import AutoField, Max, Model
from django.utils import timezone

from ....app import label
from ....http.deadline import within
from ....models import SignIn
from ....signin.identities import PROVIDER
from ....stores import transaction
from ....stores.transaction import connection
from ..causes import facts_of, facts_of_connecting, of_database
from ..finding import Observation, fault, ok, verdict

REACHABLE: Final = "database.reachable"
MIGRATED: Final = "database.migrations"
CACHE_TABLE: Final = "database.cache_table"
_SECONDS: Final = 3
_FULL: Final = 0.9
_GONE: Final = ("42P01", "42703")  # a table, a column; here every migration counts as applied
_RESTORE: Final = (
    "All migrations count as applied, so migrate makes nothing anew: it was dropped, or a dump was"
    " restored in part. Restore a backup, or make what is missing by hand, as"
    " ./manage.py sqlmigrate {app} NAME prints it (./manage.py showmigrations {app} lists them)."
)
# Their tables are what a sign-in, and the front page after it, read.
_OF_SIGN_IN: Final = ("socialaccount", "auth", "contenttypes", "admin")
# What the database itself must keep apart: table and index.
_UNIQUE: Final = (
    ("accounts_user", "accounts_user_email_unique"),
    ("socialaccount_socialaccount", "accounts_one_identity_a_user"),
)


def reachable() -> Iterator[Observation]:
    """One connection of our own, with a time-out, whatever the settings' time-outs are."""
    began = time.monotonic()
    try:
        within(_SECONDS * 2, _connect_once)
    except Exception as problem:
        facts = facts_of_connecting(problem, "DATABASE_URL", _explain)
        yield fault(REACHABLE, database=_name(), **facts)
        return
    took = round((time.monotonic() - began) * 1000)
    yield ok(REACHABLE, database=_name(), ms=took)


def schema() -> Iterator[Observation]:
    """Migrations, unique indexes, the table that DEBUG keeps the cache in."""
    if hidden := _hidden_in():
        yield fault("database.schema", schemas=hidden)
        return
    waiting = _unapplied()
    if waiting:
        yield fault(MIGRATED, count=len(waiting), names=", ".join(waiting[:6]))
        return
    yield ok(MIGRATED)
    tables = set(connection.introspection.table_names())
    for table, name in _UNIQUE:
        if table in tables:  # a dump restored by hand, or an index dropped in haste
            yield verdict(f"database.{name}", _is_unique(table, name), table=table, app=label())
    for alias, cache in settings.CACHES.items():
        table = str(cache.get("LOCATION", ""))
        if cache["BACKEND"].endswith("DatabaseCache") and table not in tables:
            yield fault(CACHE_TABLE, table=repr(table), alias=repr(alias))


def condition() -> Iterator[Observation]:
    """Can it be written to, and is there room for more connections?"""
    if connection.vendor != "postgresql":
        yield verdict("database.kind", settings.DEBUG, database=_name())
        return
    read_only, used, most, encoding = _of_postgres()
    yield verdict("database.writable", not read_only)
    full = used >= most * _FULL
    yield verdict("database.connections", not full, used=used, most=most)
    yield verdict("database.encoding", encoding == "UTF8", encoding=encoding)


def uses() -> Iterator[Observation]:
    """The ORM's own reads of every table of a sign-in, and its writes, undone again."""
    found = list(_reads()) or [*_sequences(), *_writes()]
    yield from found
    if not found:
        yield ok("database.privileges")


def _reads() -> Iterator[Observation]:
    for model in _models():
        yield from _tried("read", model, model._default_manager.first)


def _sequences() -> Iterator[Observation]:
    """Those that give numbers which are taken."""
    if connection.vendor != "postgresql":
        return
    behind = [model._meta for model in _models() if _is_behind(model)]
    if behind:
        tables = ", ".join(each.db_table for each in behind)
        apps_ = " ".join(dict.fromkeys(each.app_label for each in behind))
        yield fault("database.sequence", tables=tables, apps=apps_)


def _is_behind(model: type[Model]) -> bool:
    if not isinstance(model._meta.pk, AutoField):
        return False
    last = model._default_manager.aggregate(last=Max("pk"))["last"]
    with connection.cursor() as cursor:
        table, column = model._meta.db_table, model._meta.pk.column
        cursor.execute(
            "SELECT s.last_value FROM pg_sequences s, pg_get_serial_sequence(%s, %s) of"
            " WHERE format('%%I.%%I', s.schemaname, s.sequencename)::regclass = of::regclass"
            " AND has_sequence_privilege(of, 'SELECT')",  # without, its last value is not told
            [table, column],
        )
        row = cursor.fetchone()
    return bool(last and row and (row[0] or 0) < last)


def _models() -> list[type[Model]]:
    models = [
        model for model in apps.get_models() if model._meta.app_label in (label(), *_OF_SIGN_IN)
    ]
    return [model for model in models if model._meta.managed and not model._meta.proxy]


def _writes() -> Iterator[Observation]:
    """What a first sign-in writes: the record, the identity, the time of the last sign-in."""
    row = SignIn(outcome=SignIn.Outcome.REFUSED, reason="cancelled", reference="DOCTOR")
    yield from _tried("insert into", SignIn, lambda: row.save(force_insert=True))
    people = get_user_model()._default_manager
    person = people.filter(socialaccount__isnull=True).first()
    if person is not None:
        bound = SocialAccount(user=person, provider=PROVIDER, uid=f"doctor:{time.time_ns()}")
        yield from _tried("insert into", SocialAccount, lambda: bound.save(force_insert=True))
    anyone = people.first()
    if anyone is not None and hasattr(anyone, "last_login"):
        change = people.filter(pk=anyone.pk).update
        yield from _tried("update", type(anyone), lambda: change(last_login=timezone.now()))


def _tried(action: str, model: type[Model], work: Callable[[], object]) -> Iterator[Observation]:
    """A transaction of its own, which is always undone."""
    table = model._meta.db_table
    try:
        with transaction.atomic():
            work()
            transaction.set_rollback(True)
    except DatabaseError as problem:
        facts = facts_of(problem, "DATABASE_URL")
        if facts["code"] in _GONE:
            facts["fix"] = _RESTORE.format(app=model._meta.app_label)
        id_ = "database.privileges" if facts["code"] == "42501" else "database.use"
        yield fault(id_, action=action, table=table, **facts)


def _connect_once() -> None:
    """Outside Django's connection and pool, so that a hanging server is left behind."""
    own = connection.copy()  # Django's, or one of ours that knows of poolers
    raw: Any = own.get_new_connection(_parameters(own))
    try:
        cursor = raw.cursor()
        cursor.execute("SELECT 1")
    finally:
        raw.close()


def _parameters(own: Any = connection) -> dict[str, Any]:
    """SQLite's wrapper keeps part of them in itself, so they are asked of the one that connects."""
    parameters: dict[str, Any] = own.get_connection_params()
    if connection.vendor == "postgresql":
        parameters["connect_timeout"] = _SECONDS
    return parameters


def _explain(error: Exception) -> Exception:
    return of_database(error, _parameters())


def _unapplied() -> list[str]:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def _hidden_in() -> str:
    """The schemas that have our tables, where the role does not see them; "" where it does."""
    if connection.vendor != "postgresql":
        return ""
    table = get_user_model()._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n.nspname, pg_table_is_visible(c.oid) FROM pg_class c"
            " JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relname = %s AND c.relkind IN ('r', 'p')",
            [table],
        )
        found = cursor.fetchall()
    seen = any(visible for _, visible in found)
    return "" if seen else ", ".join(name for name, _ in found)


def _is_unique(table: str, name: str) -> bool:
    with connection.cursor() as cursor:
        constraints: dict[str, Any] = connection.introspection.get_constraints(cursor, table)
    return bool(constraints.get(name, {}).get("unique"))


def _of_postgres() -> tuple[bool, int, int, str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on',"
            " (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),"
            " current_setting('max_connections')::int, current_setting('server_encoding')"
        )
        read_only, used, most, encoding = cursor.fetchone()
    return bool(read_only), used, most, encoding


def _name() -> str:
    """What to call it in a sentence; no address, which may hold a password."""
    return str(connection.display_name)
