"""The database: does it answer, may we write, is it migrated, does it keep identities apart?"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from accounts.http.deadline import within
from accounts.operate.doctor import token_trouble
from accounts.operate.doctor.finding import Finding, error, ok, warning

if TYPE_CHECKING:
    from collections.abc import Iterator

REACHABLE: Final = "database.reachable"
MIGRATED: Final = "database.migrations"
CACHE_TABLE: Final = "database.cache_table"
_SECONDS: Final = 3
_AWAY: Final = ("database_unavailable",)
_FULL: Final = 0.9
_NO_ROLE: Final = (
    "Mend user and password in DATABASE_URL; with auth=entra the server's Entra admin runs"
    " SELECT * FROM pgaadauth_create_principal('NAME', false, false); NAME is the identity's"
    " and DATABASE_URL's user."
)
_MAY_NOT: Final = """
SELECT needed.name, needed.privilege
FROM (VALUES ('accounts_signin', 'INSERT'), ('socialaccount_socialaccount', 'INSERT'),
             ('socialaccount_socialaccount', 'UPDATE'), (%s, 'UPDATE')) AS needed (name, privilege)
WHERE to_regclass(needed.name) IS NOT NULL
  AND NOT has_table_privilege(to_regclass(needed.name), needed.privilege)
"""
# What the database itself must keep apart: table, index, and what that keeps.
_UNIQUE: Final = (
    ("accounts_user", "accounts_user_email_unique", "one user for an email, whatever its case"),
    (
        "socialaccount_socialaccount",
        "accounts_one_identity_a_user",
        "one Microsoft identity for a user",
    ),
)


def reachable() -> Iterator[Finding]:
    """One connection of our own, with a time-out, whatever the settings' time-outs are."""
    began = time.monotonic()
    try:
        within(_SECONDS * 2, _connect_once)
    except Exception as problem:
        yield _unreachable(problem)
        return
    took = round((time.monotonic() - began) * 1000)
    yield ok(REACHABLE, f"{_name()} answers ({took} ms with connecting)")


def schema() -> Iterator[Finding]:
    """Migrations, unique indexes, the table that DEBUG keeps the cache in."""
    waiting = _unapplied()
    if waiting:
        yield error(
            MIGRATED,
            f"{len(waiting)} migrations are not applied",
            ", ".join(waiting[:6]),
            shows_as=("unexpected",),
            fix="./manage.py migrate",
        )
        return
    yield ok(MIGRATED, "All migrations are applied")
    yield from _unique_indexes()
    yield from _cache_tables()


def condition() -> Iterator[Finding]:
    """Can it be written to, and is there room for more connections?"""
    if connection.vendor != "postgresql":
        yield from _not_postgres()
        return
    read_only, used, most = _of_postgres()
    if read_only:
        yield error(
            "database.writable",
            "The database is read-only",
            "DATABASE_URL leads to a replica, or to a server that is set read-only.",
            shows_as=("unexpected", "database_unavailable"),
            fix="Set DATABASE_URL to the primary server.",
        )
    else:
        yield ok("database.writable", "The database can be written to")
    yield _connections(used, most)
    yield from _privileges()


def _connect_once() -> None:
    """Outside Django's connection and pool, so that a hanging server is left behind."""
    parameters: dict[str, Any] = connection.get_connection_params()
    if connection.vendor == "postgresql":
        parameters["connect_timeout"] = _SECONDS
    raw: Any = connection.copy().get_new_connection(parameters)  # it knows of poolers
    try:
        raw.execute("SELECT 1")
    finally:
        raw.close()


def _unreachable(problem: Exception) -> Finding:
    text = " ".join(str(problem).split())[:300]
    return error(
        REACHABLE,
        f"{_name()} does not answer",
        f"{type(problem).__name__}: {text}",
        shows_as=_AWAY,
        fix=f"{_hint(text.lower())} Then run doctor again.",
    )


def _hint(text: str) -> str:
    for sign, hint in (
        (token_trouble.SIGN, token_trouble.HINT),
        ("refused", "Start the database server, or mend host and port in DATABASE_URL."),
        ("could not translate host", "The host name in DATABASE_URL is not known: mend it."),
        ("name or service", "The host name in DATABASE_URL is not known: mend it."),
        ("password", _NO_ROLE),
        ("does not exist", "Create the database or role that the message names."),
        ("too many", "All connections are taken: fewer workers, or a larger max_connections."),
        ("ssl", "Add ?sslmode=require to DATABASE_URL, or mend the server's certificate."),
        ("unable to open", "Give this user the right to write the file and its directory."),
    ):
        if sign in text:
            return hint
    return "Check DATABASE_URL, the server, and the firewall between."


def _unapplied() -> list[str]:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def _unique_indexes() -> Iterator[Finding]:
    """A dump restored by hand, or an index dropped in haste, would let two people be one."""
    tables = set(connection.introspection.table_names())
    for table, name, keeps in _UNIQUE:
        if table not in tables:
            continue
        if _is_unique(table, name):
            yield ok(f"database.{name}", f"The database keeps {keeps}")
        else:
            yield _index_missing(table, name, keeps)


def _is_unique(table: str, name: str) -> bool:
    with connection.cursor() as cursor:
        constraints: dict[str, Any] = connection.introspection.get_constraints(cursor, table)
    return bool(constraints.get(name, {}).get("unique"))


def _index_missing(table: str, name: str, keeps: str) -> Finding:
    return error(
        f"database.{name}",
        f"The unique index {name} is missing",
        f"Nothing keeps {keeps} when two first sign-ins race.",
        shows_as=("ambiguous_email", "identity_conflict"),
        fix=f"Remove double rows in {table}, then make the index again as accounts' migrations"
        f" do: ./manage.py sqlmigrate accounts {'0001' if 'email' in name else '0002'}",
    )


def _cache_tables() -> Iterator[Finding]:
    tables = set(connection.introspection.table_names())
    for alias, cache in settings.CACHES.items():
        table = str(cache.get("LOCATION", ""))
        if cache["BACKEND"].endswith("DatabaseCache") and table not in tables:
            yield error(
                CACHE_TABLE,
                f"The table {table!r} of CACHES[{alias!r}] is missing",
                "Used states, keys and throttles have nowhere to go.",
                shows_as=("unexpected",),
                fix="./manage.py createcachetable",
            )


def _not_postgres() -> Iterator[Finding]:
    if settings.DEBUG:
        yield ok("database.kind", f"{_name()}, good for development")
        return
    yield warning(
        "database.kind",
        f"{_name()} in production",
        "A file is not shared by instances, and locks under load.",
        shows_as=_AWAY,
        fix="Set DATABASE_URL=postgres://user:password@host/name",
    )


def _of_postgres() -> tuple[bool, int, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')='on'"
        )
        read_only = bool(cursor.fetchone()[0])
        cursor.execute(
            "SELECT count(*), current_setting('max_connections')::int FROM pg_stat_activity"
            " WHERE backend_type = 'client backend'"
        )
        used, most = cursor.fetchone()
    return read_only, used, most


def _privileges() -> Iterator[Finding]:
    """A role that may read all and write little lets nobody in."""
    with connection.cursor() as cursor:
        cursor.execute(_MAY_NOT, [get_user_model()._meta.db_table])
        missing = [f"{right} on {table}" for table, right in cursor.fetchall()]
    if missing:
        yield error(
            "database.privileges",
            "The database's role may not write what a sign-in writes",
            ", ".join(missing),
            shows_as=("unexpected",),
            fix="GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO the role"
            " of DATABASE_URL (sequences too).",
        )


def _connections(used: int, most: int) -> Finding:
    if used < most * _FULL:
        return ok("database.connections", f"{used} of {most} connections are taken")
    return warning(
        "database.connections",
        f"{used} of {most} connections are taken",
        "The next workers to start may get none.",
        shows_as=_AWAY,
        fix="Fewer workers or threads, a pooler such as PgBouncer, or a larger max_connections.",
    )


def _name() -> str:
    """What to call it in a sentence; no address, which may hold a password."""
    try:
        return str(connection.display_name)
    except DatabaseError:
        return "The database"
