"""List the audit, and verify its chain."""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import CommandError, CommandParser
from typing_extensions import override

from ... import audit
from ...audit.verify import verify
from ...operate import audit_log
from ...operate.output import OperatorCommand, add_output, whole_number

_IN_TABLE = ("at", "action", "who", "subject", "before", "after", "note", "reference")
_PROBLEM = ("id", "problem")


class Command(OperatorCommand):
    """Lists and verifies."""

    help = "The audit: who changed whose rights, identity, sessions or app; and is it whole."
    epilog = """
examples:
  ./manage.py audit list --since 7d
  ./manage.py audit list --person ada@contoso.com --action person.rights
  ./manage.py audit list --since 2030-01-01 --csv > audit.csv
  ./manage.py audit verify
  ./manage.py audit verify --head 1204:5f1c...     is a link that was noted elsewhere still there
  ./manage.py audit verify --acknowledge "SECRET_KEY was lost on 2030-01-31"

The table shows the newest 100 (--limit); JSON and CSV give all entries and columns. A chain cannot
show by itself that its newest links were cut off: keep the head that verify prints, or the log,
in a place that admins of the database cannot change.

exit codes:
  0  done; verify: the audit is whole
  1  verify: it is not, each problem is listed; list: wrong --since or --action
  2  wrong arguments
"""

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        actions = self.add_actions(parser)
        _add_listing(actions.add_parser("list", help="the entries, newest first"))
        verifying = actions.add_parser("verify", help="check the chain, every entry and every text")
        verifying.add_argument(
            "--head", type=_head, default="", metavar="NUMBER:DIGEST", help="must be in the chain"
        )
        verifying.add_argument(
            "--acknowledge", default="", metavar="REASON", help="accept the present findings"
        )
        add_output(verifying)

    def _list(self, form: str, limit: int | None, **options: Any) -> None:
        asked = {name: options[name] for name in ("since", "action", "person", "reference")}
        entries = audit_log.query(**asked)
        if form != "table":
            audit.write("export.audit", after={k: v for k, v in asked.items() if v})
        limit = limit or (100 if form == "table" else None)
        columns = _IN_TABLE if form == "table" else audit_log.COLUMNS
        self.write_rows(audit_log.stream(entries[:limit]), columns, form)

    def _verify(self, form: str, head: str, acknowledge: str, **options: Any) -> None:
        verdict = verify(head)
        if acknowledge and verdict.problems:
            found = [problem.id for problem in verdict.problems]
            audit.write("audit.acknowledged", after={"problems": found}, note=acknowledge)
            verdict = verify(head)
        summary = {
            "whole": verdict.whole,
            "links": verdict.entries,
            "head": verdict.head,
            "erased_texts": verdict.erased,
            "acknowledged_problems": verdict.acknowledged,
        }
        problems = [{"id": p.id, "problem": p.text} for p in verdict.problems]
        if form == "json":
            self.write_value({**summary, "problems": problems}, form)
        else:
            self.write_value(summary, form)
            if problems:
                self.write_rows(problems, _PROBLEM, form)
        if problems:
            raise CommandError(
                f"The audit is not whole: {len(problems)} problems. Compare it with the log and a"
                " backup; docs/audit.md explains each."
            )


def _head(text: str) -> str:
    if text and not re.fullmatch(r"\d+:[0-9a-f]{64}", text):
        raise ArgumentTypeError(f"{text!r} is no head: copy it as verify printed it")
    return text


def _add_listing(parser: ArgumentParser) -> None:
    parser.add_argument("--since", default="", help="30m, 2h, 7d, 2w, or an ISO date or time")
    parser.add_argument("--action", default="", help="as person.rights_changed, or its beginning")
    parser.add_argument("--person", default="", metavar="TEXT", help="who did it, or to whom")
    parser.add_argument("--reference", default="", help="of one entry")
    parser.add_argument("--limit", type=whole_number("entries"), help="at most this many entries")
    add_output(parser, csv=True)
