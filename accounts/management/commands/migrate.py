"""Django's migrate, which gives way to the people whose pages would wait behind it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import OperationalError, connections
from typing_extensions import override

_LOCK_NOT_AVAILABLE = "55P03"  # PostgreSQL documentation, "Error Codes"


class Command(migrate.Command):
    """The old release serves meanwhile: its pages queue for a table behind whoever waits for it."""

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        if hasattr(connection, "prepare_to_migrate"):
            connection.prepare_to_migrate()
        try:
            super().handle(*args, **options)
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                raise
            raise CommandError(
                "Someone else holds a table that this migration changes: a backup, or a long"
                " transaction. It gave up, so that no page waits, and what it had begun is undone;"
                " only an index that was built concurrently is to be dropped by hand.\n"
                "Run it again when that has ended. Who it is: SELECT pid, application_name,"
                " xact_start, query FROM pg_stat_activity ORDER BY xact_start;"
            ) from None
