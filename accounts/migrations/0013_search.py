"""Searching by any part of a name or an address stays fast on a long record.

pg_trgm is a trusted extension: the database's owner may create it. Where it is not allowed (Azure
has a list of those that are, azure.extensions) searching works without, and takes longer.
"""

import logging
from collections.abc import Iterator

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.utils import DatabaseError

from ..app import label

# What icontains compares; the last is for addresses of clients.
TRIGRAMS = {"SignIn": ("email", "claimed_name", "detail"), "User": ("email", "name")}
logger = logging.getLogger("django.security.sign_in")


def add(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    trigrams = _has_trigrams(schema_editor)
    for index, table, columns in _indexes(apps):
        if trigrams or "gin" not in columns:
            # One that was broken off is there, and is not valid.
            schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {index}")
            schema_editor.execute(f"CREATE INDEX CONCURRENTLY {index} ON {table} {columns}")


def remove(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        for index, _, _ in _indexes(apps):
            schema_editor.execute(f"DROP INDEX IF EXISTS {index}")


def _indexes(apps: Apps) -> Iterator[tuple[str, str, str]]:
    for kind, names in TRIGRAMS.items():
        meta = apps.get_model(label(), kind)._meta
        if not meta.swapped:
            for name in names:
                columns = f"USING gin (UPPER({name}::text) gin_trgm_ops)"
                yield f"{meta.db_table}_{name}_part", meta.db_table, columns
    table = apps.get_model(label(), "SignIn")._meta.db_table
    yield f"{table}_client_ip", table, "(client_ip)"


def _has_trigrams(schema_editor: BaseDatabaseSchemaEditor) -> bool:
    try:
        schema_editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except DatabaseError as error:
        reason = " ".join(str(error).split())
        logger.warning("searching the record has no index: pg_trgm is not to be had (%s)", reason)
        return False
    return True


class Migration(migrations.Migration):
    atomic = False  # CONCURRENTLY: people sign in meanwhile

    dependencies = [(label(), "0012_end_sessions")]

    operations = [migrations.RunPython(add, remove)]
