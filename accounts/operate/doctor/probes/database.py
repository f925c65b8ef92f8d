"""The database: does it answer, can it be written to, is it migrated, are its indexes there?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final

from allauth.socialaccount.models import SocialAccount
from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import DatabaseError
from django.db.migrations.executor import MigrationExecutor
from django.db.models import AutoField, Model
from django.utils import timezone

from ....app import label
from ....http.deadline import within
from ....models import SignIn
from ....signin.identities import PROVIDER
from ....stores import transaction
from ....stores.transaction import connection
from ..catalogue import UNIQUE_INDEXES
from ..causes import explain_postgresql, facts_of, facts_of_connecting
from ..finding import Observation, fault, ok, verdict

REACHABLE: Final = "database.reachable"
MIGRATED: Final = "database.migrations"
CACHE_TABLE: Final = "database.cache_table"
_SECONDS: Final = 3
_FULL: Final = 0.9
_MISSING: Final = ("42P01", "42703")  # a table, a column
_RESTORE: Final = (
    "All migrations are recorded as applied, so migrate does not create it again: it was dropped,"
    " or a dump was restored in part. Restore a backup, or create what is missing by hand, as"
    " ./manage.py sqlmigrate {app} NAME prints it (./manage.py showmigrations {app} lists them)."
)
# Other apps whose tables a sign-in reads, with the front page after it.
_OTHER_APPS: Final = ("socialaccount", "auth", "contenttypes", "admin")


def reachable() -> Iterator[Observation]:
    """Connects once, with a time-out of its own."""
    began = time.monotonic()
    try:
        within(_SECONDS * 2, _connect_once)
    except Exception as problem:
        facts = facts_of_connecting(problem, "DATABASE_URL", _explain)
        yield fault(REACHABLE, database=connection.display_name, **facts)
        return
    took = round((time.monotonic() - began) * 1000)
    yield ok(REACHABLE, database=connection.display_name, ms=took)


def schema() -> Iterator[Observation]:
    """Migrations, unique indexes, and the tables of database caches."""
    if hidden := _schemas_not_seen():
        yield fault("database.schema", schemas=hidden)
        return
    if unapplied := _unapplied():
        yield fault(MIGRATED, count=len(unapplied), names=", ".join(unapplied[:6]))
        return
    yield ok(MIGRATED)
    tables = set(connection.introspection.table_names())
    for name, (table, _prevents, _migration) in UNIQUE_INDEXES.items():
        if table in tables:  # another site's users have a table of their own
            yield verdict(f"database.{name}", _is_unique(table, name), table=table, app=label())
    for alias, cache in settings.CACHES.items():
        table = str(cache.get("LOCATION", ""))
        if cache["BACKEND"].endswith("DatabaseCache") and table not in tables:
            yield fault(CACHE_TABLE, table=repr(table), alias=repr(alias))


def condition() -> Iterator[Observation]:
    """Can it be written to, are connections left, and what is its encoding?"""
    if connection.vendor != "postgresql":
        yield verdict("database.kind", settings.DEBUG, database=connection.display_name)
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on',"
            " (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),"
            " current_setting('max_connections')::int, current_setting('server_encoding')"
        )
        read_only, used, most, encoding = cursor.fetchone()
    yield verdict("database.writable", not read_only)
    yield verdict("database.connections", used < most * _FULL, used=used, most=most)
    yield verdict("database.encoding", encoding == "UTF8", encoding=encoding)


def uses() -> Iterator[Observation]:
    """Reads every table of a sign-in through the ORM, and writes to some; all is rolled back."""
    newest: dict[type[Model], Model | None] = {}
    problems = list(_reads(newest)) or [*_sequences(newest), *_writes()]
    yield from problems
    if not problems:
        yield ok("database.privileges")


def _reads(newest: dict[type[Model], Model | None]) -> Iterator[Observation]:
    """Fills `newest` with the row of each table whose key is the greatest."""
    for model in _models():
        yield from _try("read", model, partial(_read_newest, model, newest))


def _read_newest(model: type[Model], newest: dict[type[Model], Model | None]) -> None:
    newest[model] = model._default_manager.order_by("-pk").first()


def _sequences(newest: Mapping[type[Model], Model | None]) -> Iterator[Observation]:
    """Sequences whose next value is an existing row's."""
    if connection.vendor != "postgresql":
        return
    rows = [row for row in newest.values() if row and isinstance(row._meta.pk, AutoField)]
    last = {row._meta: row.pk for row in rows}
    values = _last_values([(meta.db_table, str(meta.pk.column)) for meta in last])
    behind = [meta for meta, pk in last.items() if values.get(meta.db_table, pk) < pk]
    if behind:
        tables = ", ".join(meta.db_table for meta in behind)
        labels = " ".join(dict.fromkeys(meta.app_label for meta in behind))
        yield fault("database.sequence", tables=tables, apps=labels)


def _last_values(keys: list[tuple[str, str]]) -> dict[str, int]:
    """The last value of each sequence that may be read, by its table."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH of AS MATERIALIZED ("
            "SELECT name, pg_get_serial_sequence(name, key)::regclass AS sequence"
            " FROM unnest(%s::text[], %s::text[]) AS t (name, key))"
            " SELECT of.name, COALESCE(s.last_value, 0) FROM of JOIN pg_sequences s"
            " ON format('%%I.%%I', s.schemaname, s.sequencename)::regclass = of.sequence"
            " WHERE has_sequence_privilege(of.sequence, 'SELECT')",  # else last_value is null
            [[table for table, _ in keys], [column for _, column in keys]],
        )
        return dict(cursor.fetchall())


def _models() -> list[type[Model]]:
    labels = (label(), *_OTHER_APPS)
    models = [model for model in apps.get_models() if model._meta.app_label in labels]
    return [model for model in models if model._meta.managed and not model._meta.proxy]


def _writes() -> Iterator[Observation]:
    """What a first sign-in writes: the record, the identity, the time of the last sign-in."""
    row = SignIn(outcome=SignIn.Outcome.REFUSED, reason="cancelled", reference="DOCTOR")
    yield from _try("insert into", SignIn, lambda: row.save(force_insert=True))
    people = get_user_model()._default_manager
    unbound = people.filter(socialaccount__isnull=True).first()
    if unbound is not None:
        identity = SocialAccount(user=unbound, provider=PROVIDER, uid=f"doctor:{time.time_ns()}")
        yield from _try("insert into", SocialAccount, lambda: identity.save(force_insert=True))
    anyone = people.first()
    if anyone is not None and hasattr(anyone, "last_login"):
        update = people.filter(pk=anyone.pk).update
        yield from _try("update", type(anyone), lambda: update(last_login=timezone.now()))


def _try(action: str, model: type[Model], work: Callable[[], object]) -> Iterator[Observation]:
    """Nothing if the work can be done, in a transaction that is always rolled back."""
    table = model._meta.db_table
    try:
        with transaction.atomic():
            work()
            transaction.set_rollback(True)
    except DatabaseError as problem:
        facts = facts_of(problem, "DATABASE_URL")
        if facts["code"] in _MISSING:
            facts["fix"] = _RESTORE.format(app=model._meta.app_label)
        id_ = "database.privileges" if facts["code"] == "42501" else "database.use"
        yield fault(id_, action=action, table=table, **facts)


def _connect_once() -> None:
    """Outside Django's connection and pool, so that a hanging server blocks neither."""
    wrapper = connection.copy()
    raw: Any = wrapper.get_new_connection(_parameters(wrapper))
    try:
        raw.cursor().execute("SELECT 1")
    finally:
        raw.close()


def _parameters(wrapper: Any = connection) -> dict[str, Any]:
    """SQLite's wrapper keeps a part of them, so the one that connects must be asked."""
    parameters: dict[str, Any] = wrapper.get_connection_params()
    if connection.vendor == "postgresql":
        parameters["connect_timeout"] = _SECONDS
    return parameters


def _explain(error: Exception) -> Exception:
    is_postgresql = connection.vendor == "postgresql"
    return explain_postgresql(error, _parameters()) if is_postgresql else error


def _unapplied() -> list[str]:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def _schemas_not_seen() -> str:
    """The schemas that hold our tables, if the role sees none of them; else ""."""
    if connection.vendor != "postgresql":
        return ""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n.nspname, pg_table_is_visible(c.oid) FROM pg_class c"
            " JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relname = %s AND c.relkind IN ('r', 'p')",
            [get_user_model()._meta.db_table],
        )
        schemas = cursor.fetchall()
    is_seen = any(is_visible for _name, is_visible in schemas)
    return "" if is_seen else ", ".join(name for name, _is_visible in schemas)


def _is_unique(table: str, name: str) -> bool:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # in a tenth of the time of get_constraints()
            cursor.execute(
                "SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(quote_ident(%s))"
                " AND indrelid = to_regclass(quote_ident(%s)) AND indisunique",
                [name, table],
            )
            return cursor.fetchone() is not None
        constraints: dict[str, Any] = connection.introspection.get_constraints(cursor, table)
    return bool(constraints.get(name, {}).get("unique"))
