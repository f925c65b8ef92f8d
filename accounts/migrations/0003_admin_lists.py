"""Ending sessions is a right of its own; admin's searches and filters stay fast at a million rows.

The prefix indexes are PostgreSQL's: under most collations its ordinary ones serve no LIKE 'a%'.
"""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from ..app import label

PREFIX_INDEXES = {
    "accounts_user_email_prefix": ("User", "UPPER(email) text_pattern_ops"),
    "accounts_user_name_prefix": ("User", "UPPER(name) text_pattern_ops"),
    "accounts_signin_email_prefix": ("SignIn", "UPPER(email) text_pattern_ops"),
}


def add_prefix_indexes(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for name, (kind, columns) in PREFIX_INDEXES.items():
        model = apps.get_model(label(), kind)
        if schema_editor.connection.vendor == "postgresql" and not model._meta.swapped:
            schema_editor.execute(f"CREATE INDEX {name} ON {model._meta.db_table} ({columns})")


def remove_prefix_indexes(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for name in PREFIX_INDEXES:
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f"DROP INDEX IF EXISTS {name}")


class Migration(migrations.Migration):
    dependencies = [(label(), "0002_one_identity_a_user")]

    operations = [
        migrations.AlterModelOptions(
            name="user",
            options={
                "ordering": ("email",),
                "permissions": (
                    ("end_sessions", "Can see who is signed in and end their sessions"),
                ),
                "verbose_name": "user",
                "verbose_name_plural": "users",
            },
        ),
        migrations.AddIndex(
            model_name="signin",
            index=models.Index(
                condition=models.Q(("oid", ""), _negated=True),
                fields=["oid"],
                name="accounts_signin_oid",
            ),
        ),
        migrations.AddIndex(
            model_name="signin",
            index=models.Index(
                condition=models.Q(("outcome", "refused")),
                fields=["-at"],
                name="accounts_signin_refused_at",
            ),
        ),
        migrations.AddIndex(
            model_name="signin",
            index=models.Index(
                condition=models.Q(("method", "microsoft"), _negated=True),
                fields=["method", "-at"],
                name="accounts_signin_method_at",
            ),
        ),
        migrations.RunPython(add_prefix_indexes, remove_prefix_indexes),
    ]
