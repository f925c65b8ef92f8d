"""The tables of other sign-in packages, made by these packages' own migrations.

Only the migrations run: the packages are not among INSTALLED_APPS, as on a site that has already
taken them out.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

from django.db import connection
from django.db.migrations.executor import MigrationExecutor


def make_tables(app: str, upto: str = "9999") -> Any:
    """Run the migrations up to that number; the app's models as of then."""
    state = MigrationExecutor(connection).loader.project_state()
    names = sorted(path.stem for path in _folder(app).glob("[0-9]*.py"))
    for name in names:
        if name[:4] <= upto:
            migration = import_module(f"{app}.migrations.{name}").Migration(name, app)
            with connection.schema_editor() as editor:
                state = migration.apply(state, editor)
    return state.apps


def _folder(app: str) -> Path:
    return Path(str(import_module(f"{app}.migrations").__file__)).parent
