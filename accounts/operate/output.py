"""How operators' commands speak: a table people can read, JSON or CSV for machines."""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from django.core.management.base import BaseCommand, CommandError, DjangoHelpFormatter
from django.utils import translation
from typing_extensions import override

from .. import local_time
from ..naming import as_set_here
from ..outages import is_outage
from ..visible import visible
from . import spreadsheet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from django.core.management.base import CommandParser

_WIDEST: Final = 48
_SIGPIPE: Final = 141  # as a shell says of a command that SIGPIPE ended


class HelpFormatter(DjangoHelpFormatter, RawDescriptionHelpFormatter):
    """Keeps the lines of the examples as they are written."""

    @override
    def format_help(self) -> str:
        return as_set_here(super().format_help())


class OperatorCommand(BaseCommand):
    """A command whose help ends with `epilog`: examples and exit codes."""

    epilog = ""
    requires_system_checks = ()  # they repair what a check would complain of

    @override
    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(
            prog_name,
            subcommand,
            formatter_class=HelpFormatter,
            epilog=self.epilog.strip(),
            **kwargs,
        )

    @override
    def execute(self, *args: Any, **options: Any) -> str | None:
        """In English as a whole, and an unavailable store is one line with the next step.

        Reports and documents quote what commands write, and much of it is in no catalogue.
        """
        try:
            with translation.override("en"):
                written = super().execute(*args, **options)
            self.stdout.flush()
            return written
        except BrokenPipeError:  # | head has read enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(_SIGPIPE)
        except CommandError as error:
            error.args = (as_set_here(error), *error.args[1:])
            raise
        except Exception as error:
            if not is_outage(error) or options.get("traceback"):
                raise
            reason = " ".join(str(error).split()) or type(error).__name__
            raise CommandError(f"{reason}. See: ./manage.py doctor") from error

    def write_rows(
        self, rows: Iterable[Mapping[str, Any]], columns: Sequence[str], form: str
    ) -> None:
        """Rows as `form`: table, json or csv."""
        for line in FORMS[form](rows, columns):
            self.stdout.write(line)

    def write_value(self, value: Mapping[str, Any], form: str) -> None:
        """One thing: an aligned list of its parts, or a JSON object."""
        for line in [as_json(value)] if form == "json" else as_list(value):
            self.stdout.write(line)


def add_json(parser: ArgumentParser) -> None:
    """--json, into options["form"]."""
    parser.add_argument(
        "--json",
        dest="form",
        action="store_const",
        const="json",
        default="table",
        help="write JSON for machines",
    )


def as_json(value: Any) -> str:
    """One value, on one line."""
    return json.dumps(value, default=_plain, ensure_ascii=False)


def as_list(value: Mapping[str, Any]) -> Iterator[str]:
    """A line for each part, aligned."""
    width = max(map(len, value), default=0)
    for name, part in value.items():
        yield f"{_title(name):<{width}}  {_text(part)}".rstrip()


def table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> Iterator[str]:
    """A header and a line for each row; the last column may be as long as it likes."""
    cells = [[_title(name) for name in columns]]
    cells += [[_text(row.get(name)) for name in columns] for row in rows]
    widths = [min(_WIDEST, max(map(len, column))) for column in zip(*cells, strict=True)]
    for line in cells:
        yield "  ".join(map(_fitted, line, [*widths[:-1], 0])).rstrip()


def json_array(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> Iterator[str]:
    """An array, written as the rows come: one object a line."""
    joint = "["
    for row in rows:
        yield joint + as_json({name: row.get(name) for name in columns})
        joint = ","
    yield "[]" if joint == "[" else "]"


FORMS: Final[Mapping[str, Callable[..., Iterator[str]]]] = {
    "table": table,
    "json": json_array,
    "csv": spreadsheet.lines,
}


def _title(name: str) -> str:
    return name.replace("_", " ")


def _fitted(text: str, width: int) -> str:
    return f"{text[: width - 1]}…" if 0 < width < len(text) else text.ljust(width)


def _text(value: Any) -> str:
    """A value in a line: what could move a terminal's cursor is not written."""
    if value is None or value == "" or value == ():
        return "-"
    if isinstance(value, datetime):
        return local_time.in_zone(value).strftime("%Y-%m-%d %H:%M:%S %Z")
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    return visible(text)


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, (datetime, date)) else str(value)
