"""Show, count and prune the sign-in record."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from typing_extensions import override

from ... import audit
from ...models import SignIn
from ...operate import sign_ins
from ...operate.output import OperatorCommand, add_output, whole_number

_IN_TABLE = ("at", "outcome", "reason", "reference", "email", "client_ip", "took_ms", "detail")
_COUNTED = ("count", "outcome", "reason")
_FILTERS = ("since", "reason", "outcome", "email", "reference")


class Command(OperatorCommand):
    """Shows, counts and prunes."""

    help = "The sign-in record: who got in, who was refused and why. Newest first."
    epilog = """
examples:
  ./manage.py sign_ins --since 2h --outcome refused
  ./manage.py sign_ins --reference BCDF-2345       what a person reads out from their page
  ./manage.py sign_ins --since 30d --counts
  ./manage.py sign_ins --since 2030-01-31 --csv > sign-ins.csv
  ./manage.py sign_ins --prune                     delete what is older than SIGN_IN_LOG_DAYS

The table shows the newest 100 (--limit); JSON and CSV give all rows and columns.

exit codes:
  0  done
  1  no such --reference; wrong --since or --reason; nothing was deleted
  2  wrong arguments
"""

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--since", default="", help="30m, 2h, 7d, 2w, or an ISO date or time")
        parser.add_argument("--reason", default="", metavar="CODE", help="such as unknown_user")
        parser.add_argument("--outcome", choices=SignIn.Outcome.values, default="")
        parser.add_argument("--email", default="", help="the claimed email, in any letter case")
        parser.add_argument("--reference", default="", help="of one attempt")
        parser.add_argument("--limit", type=whole_number("rows"), help="at most this many rows")
        parser.add_argument("--counts", action="store_true", help="count them by reason")
        parser.add_argument("--prune", action="store_true", help="delete old rows instead")
        parser.add_argument(
            "--days", type=whole_number("days", 36500), help="with --prune: how many days to keep"
        )
        add_output(parser, csv=True)

    @override
    def handle(self, *args: Any, form: str, **options: Any) -> None:
        asked = {name: options[name] for name in _FILTERS}
        if options["prune"]:
            self._prune(asked, options["days"], form)
        else:
            self._show(asked, form, options)

    def _show(self, asked: dict[str, str], form: str, options: dict[str, Any]) -> None:
        if options["days"] is not None:
            raise CommandError("--days goes with --prune; for what to show, use --since.")
        rows = sign_ins.query(**asked)
        if asked["reference"] and not rows.exists():
            raise CommandError(sign_ins.not_in_record(sign_ins.reference_of(asked["reference"])))
        if options["counts"]:
            return self.write_rows(sign_ins.counts(rows), _COUNTED, form)
        if form != "table":
            audit.write("export.sign_ins", after={k: v for k, v in asked.items() if v})
        limit = options["limit"] or (100 if form == "table" else None)
        columns = _IN_TABLE if form == "table" else sign_ins.COLUMNS
        return self.write_rows(sign_ins.stream(rows[:limit]), columns, form)

    def _prune(self, asked: dict[str, str], days: int | None, form: str) -> None:
        if any(asked.values()):
            raise CommandError("--prune deletes by age alone: give it no filters, only --days.")
        self.write_value({"deleted": sign_ins.prune(days)}, form)
