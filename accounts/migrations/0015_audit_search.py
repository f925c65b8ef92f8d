"""The audit is searched by any part of a name: as fast as the record (0013) on a long one."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from ..app import label


def add(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Where 0013 could not have pg_trgm there is none here, either."""
    if schema_editor.connection.vendor != "postgresql" or not _has_trigrams(schema_editor):
        return
    table = _table(apps)
    # One that was broken off is there, and is not valid.
    remove(apps, schema_editor)
    schema_editor.execute(
        f"CREATE INDEX CONCURRENTLY {table}_name_part ON {table}"
        " USING gin (UPPER(name::text) gin_trgm_ops)"
    )


def remove(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {_table(apps)}_name_part")


def _table(apps: Apps) -> str:
    return str(apps.get_model(label(), "AuditText")._meta.db_table)


def _has_trigrams(schema_editor: BaseDatabaseSchemaEditor) -> bool:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'")
        return cursor.fetchone() is not None


class Migration(migrations.Migration):
    atomic = False  # CONCURRENTLY: people sign in meanwhile

    dependencies = [(label(), "0014_hosts")]

    operations = [migrations.RunPython(add, remove)]
