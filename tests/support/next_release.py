"""A release after today's, with what migrations may add: two columns, and an index.

Each migration locks one table: whoever needs the first would wait while it waits for a second.
"""

from pathlib import Path

from tests.servers.release import MIGRATIONS, Release, copy_of_today, newest_migration

COLUMN = """\
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "{after}")]
    operations = [migrations.AddField({field})]
"""
INDEX = """\
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("accounts", "{after}")]
    operations = [
        AddIndexConcurrently("SignIn", models.Index(fields=["host"], name="accounts_signin_host")),
    ]
"""
STEPS = {
    "9001_device": COLUMN.replace(
        "{field}", '"SignIn", "device", models.CharField(max_length=40, null=True)'
    ),
    "9002_floor": COLUMN.replace(
        "{field}", '"User", "floor", models.PositiveIntegerField(db_default=0)'
    ),
    "9003_host": INDEX,
}
# Django reads and writes every field of a model: this code could not serve on today's tables.
MODELS = """
models.CharField(max_length=40, null=True).contribute_to_class(SignIn, "device")
models.PositiveIntegerField(db_default=0).contribute_to_class(User, "floor")
SignIn._meta.indexes.append(models.Index(fields=["host"], name="accounts_signin_host"))
"""


def next_release() -> Release:
    made = copy_of_today("next")
    write_into(made.root)
    return made


def write_into(root: Path) -> None:
    """What the next release changes, in a tree of today's."""
    after = newest_migration()
    for name, text in STEPS.items():
        (root / MIGRATIONS / f"{name}.py").write_text(text.format(after=after))
        after = name
    with (root / "accounts/models.py").open("a") as models:
        models.write(MODELS)
