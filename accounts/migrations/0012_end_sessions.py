"""Ending sessions is a right on sign-ins: the user model may be another's, without our permissions."""

from typing import Any

from django.db import migrations

from ..app import label


def move(apps: Any, schema_editor: Any) -> None:
    """Who has the right keeps it: the row changes its model, not its key."""
    types, permissions = (
        apps.get_model("contenttypes", "ContentType"),
        apps.get_model("auth", "Permission"),
    )
    alias = schema_editor.connection.alias
    held = permissions.objects.using(alias).filter(
        content_type__app_label=label(), content_type__model="user", codename="end_sessions"
    )
    for permission in held:
        permission.content_type = types.objects.using(alias).get_or_create(
            app_label=label(), model="signin"
        )[0]
        permission.save(update_fields=["content_type"])


class Migration(migrations.Migration):
    dependencies = [
        (label(), "0011_lacking_claims"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="user",
            options={
                "ordering": ("email",),
                "verbose_name": "user",
                "verbose_name_plural": "users",
            },
        ),
        migrations.AlterModelOptions(
            name="signin",
            options={
                "get_latest_by": "at",
                "ordering": ("-at",),
                "permissions": (
                    ("end_sessions", "Can see who is signed in and end their sessions"),
                ),
                "verbose_name": "sign-in",
                "verbose_name_plural": "sign-ins",
            },
        ),
        migrations.RunPython(move, migrations.RunPython.noop),
    ]
