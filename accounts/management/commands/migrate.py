"""Django's migrate, which explains the lock time-out of project.postgresql.schema."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import OperationalError
from typing_extensions import override

from ...operate.output import reopen_closed_streams

_LOCK_NOT_AVAILABLE = "55P03"  # PostgreSQL documentation, "Error Codes"


class Command(migrate.Command):
    """A migration is atomic: the one that waited too long for a lock is rolled back."""

    @override
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        reopen_closed_streams()
        super().__init__(*args, **kwargs)

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            super().handle(*args, **options)
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                raise
            raise CommandError(
                "Someone else holds a table that this migration changes: a backup, or a long"
                " transaction. It gave up, so that no page waits; what it had begun is undone.\n"
                "Run it again when that has ended. Who it is: SELECT pid, application_name,"
                " xact_start, query FROM pg_stat_activity ORDER BY xact_start;"
            ) from None
