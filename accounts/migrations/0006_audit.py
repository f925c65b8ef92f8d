"""The audit, which PostgreSQL itself keeps from being changed.

A trigger refuses UPDATE and DELETE of entries and links, and UPDATE of their texts, which only
`staff erase` deletes. Whoever owns the tables can drop the triggers: the chain shows what was done.
"""

import uuid
from typing import Any

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from ..app import label

TABLES = {
    "auditentry": "UPDATE OR DELETE",
    "auditseal": "UPDATE OR DELETE",
    "audittext": "UPDATE",
}
FUNCTION = """
CREATE FUNCTION accounts_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ': the audit is append-only';
END $$
"""


def guard(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    schema_editor.execute(FUNCTION)
    for model, events in TABLES.items():
        table = apps.get_model(label(), model)._meta.db_table
        schema_editor.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE {events} ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION accounts_audit_refuse()"
        )


def unguard(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    for model in TABLES:
        table = apps.get_model(label(), model)._meta.db_table
        schema_editor.execute(f"DROP TRIGGER {table}_append_only ON {table}")
    schema_editor.execute("DROP FUNCTION accounts_audit_refuse()")


class Migration(migrations.Migration):
    dependencies = [
        (label(), "0005_sign_in_source"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="time"
                    ),
                ),
                ("action", models.CharField(max_length=40, verbose_name="action")),
                (
                    "actor_kind",
                    models.CharField(
                        choices=[
                            ("person", "Signed-in person"),
                            ("visitor", "Someone signing in"),
                            ("command", "Command"),
                        ],
                        max_length=8,
                        verbose_name="kind of actor",
                    ),
                ),
                ("actor_key", models.CharField(blank=True, max_length=64)),
                ("subject_kind", models.CharField(blank=True, max_length=120)),
                ("subject_key", models.CharField(blank=True, max_length=64)),
                ("reference", models.CharField(max_length=9, verbose_name="reference")),
                ("texts", models.JSONField(default=dict, editable=False)),
                ("key_id", models.CharField(editable=False, max_length=8)),
                ("mac", models.CharField(editable=False, max_length=64)),
            ],
            options={
                "verbose_name": "audit entry",
                "verbose_name_plural": "audit entries",
                "ordering": ("-at",),
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(fields=["-at"], name="accounts_audit_at"),
                    models.Index(fields=["action", "-at"], name="accounts_audit_action_at"),
                    models.Index(fields=["reference"], name="accounts_audit_reference"),
                ],
            },
        ),
        migrations.CreateModel(
            name="AuditSeal",
            fields=[
                ("seq", models.PositiveBigIntegerField(primary_key=True, serialize=False)),
                ("digest", models.CharField(max_length=64)),
                ("key_id", models.CharField(max_length=8)),
                ("mac", models.CharField(max_length=64)),
                ("vouched", models.BooleanField()),
                (
                    "entry",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="seal",
                        to=f"{label()}.auditentry",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="AuditText",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[("actor", "Actor"), ("subject", "Subject")], max_length=7
                    ),
                ),
                ("person", models.CharField(blank=True, max_length=64)),
                ("name", models.CharField(blank=True, max_length=254)),
                ("content", models.JSONField(default=dict)),
                ("salt", models.CharField(max_length=32)),
                (
                    "entry",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="parts",
                        to=f"{label()}.auditentry",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [models.Index(fields=["person"], name="accounts_audit_text_person")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("entry", "role"), name="accounts_audit_text_once"
                    )
                ],
            },
        ),
        migrations.RunPython(guard, unguard),
    ]
