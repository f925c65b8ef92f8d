"""What operators' commands print: a table people can read, JSON or CSV for machines."""

from __future__ import annotations

import errno
import json
import os
import sys
from argparse import (
    ArgumentParser,
    ArgumentTypeError,
    RawDescriptionHelpFormatter,
    _SubParsersAction,
)
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    DjangoHelpFormatter,
)
from django.db import InternalError, ProgrammingError
from django.utils import translation
from typing_extensions import override

from ..display import local_time
from ..display.naming import as_set_here
from ..display.visible import visible
from ..ids import is_guid
from ..reasons import Refused
from ..sessions.service import NoSuchSession, StoreUnavailable
from ..stores.outages import is_outage
from . import OperatorError, spreadsheet
from .spreadsheet import value_in

_Row = TypeVar("_Row")
_WIDEST: Final = 48
_SIGINT, _SIGPIPE = 130, 141  # a shell's exit codes for a command that such a signal ended
_A_GUID: Final = "11111111-2222-3333-4444-555555555555"
_INTERRUPTED: Final = "Interrupted: what was under way is undone, what was done before stays."


class HelpFormatter(DjangoHelpFormatter, RawDescriptionHelpFormatter):
    """Keeps the lines of the examples as they are written."""

    @override
    def format_help(self) -> str:
        return as_set_here(super().format_help())


class OperatorCommand(BaseCommand):
    """A command whose help ends with `epilog`: examples and exit codes."""

    epilog = ""
    requires_system_checks = ()  # these commands repair what a check would complain of

    @override
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        reopen_closed_streams()
        super().__init__(*args, **kwargs)

    @override
    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(
            prog_name,
            subcommand,
            formatter_class=HelpFormatter,
            epilog=self.epilog.strip(),
            **kwargs,
        )

    def add_actions(self, parser: CommandParser) -> _SubParsersAction[CommandParser]:
        """For commands whose first word is an action: `list` runs `_list`."""
        return parser.add_subparsers(dest="subcommand", required=True, metavar="ACTION")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, f"_{options.pop('subcommand')}")(**options)

    @override
    def execute(self, *args: Any, **options: Any) -> str | None:
        """In English, since reports and documents quote it and much of it is in no catalogue.

        An error that an operator can do something about is one line.
        """
        try:
            with translation.override("en"):
                written = super().execute(*args, **options)
            self.stdout.flush()
            return written
        except BrokenPipeError:  # | head has read enough
            _discard_output()
            sys.exit(_SIGPIPE)
        except KeyboardInterrupt:
            self.stderr.write(_INTERRUPTED)
            sys.exit(_SIGINT)
        except CommandError as error:
            error.args = (as_set_here(error), *error.args[1:])
            raise
        except Exception as error:
            text = _explained(error, options.get("unchanged", ""))
            if not text or options.get("traceback"):
                raise
            raise CommandError(as_set_here(text)) from error

    def write_rows(self, rows: Iterable[Any], columns: Sequence[str], form: str) -> None:
        """Rows, mappings or objects, as `form`: table, json or csv."""
        for line in FORMS[form](rows, columns):
            self.stdout.write(line)

    def write_done(
        self,
        rows: Iterable[_Row],
        columns: Sequence[str],
        form: str,
        row_of: Callable[[_Row], Any] = lambda row: row,
    ) -> list[_Row]:
        """Write and return the results of changes made one by one; on Ctrl-C, those so far."""
        done: list[_Row] = []
        try:
            for row in rows:
                done.append(row)
        finally:
            self.write_rows(map(row_of, done), columns, form)
        return done

    def write_value(self, value: Mapping[str, Any], form: str) -> None:
        """An aligned list of names and values, or a JSON object."""
        for line in [as_json(value)] if form == "json" else as_list(value):
            self.stdout.write(line)


def add_output(parser: ArgumentParser, *, csv: bool = False) -> None:
    """--json and perhaps --csv, into options["form"]."""
    for form in ("json", "csv") if csv else ("json",):
        parser.add_argument(
            f"--{form}",
            dest="form",
            action="store_const",
            const=form,
            default="table",
            help=f"write {form.upper()} for machines",
        )


def whole_number(unit: str, most: int = 10**9) -> Callable[[str], int]:
    """For argparse: the type of a number from 1 to `most`."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and 0 < int(text[:20]) <= most):
            raise ArgumentTypeError(f"{text!r} is no number of {unit} from 1 to {most}")
        return int(text)

    return read


def add_guid(parser: ArgumentParser, name: str, what: str) -> None:
    """Add an option that takes a GUID."""

    def read(text: str) -> str:
        if text and not is_guid(text):
            raise ArgumentTypeError(f"{text!r} is no GUID, such as {_A_GUID}")
        return text.lower()

    parser.add_argument(name, type=read, default="", metavar="GUID", help=what)


def read_input(name: str) -> bytes:
    """What the file holds, or standard input for "-". Raises OperatorError."""
    try:
        if name != "-":
            return Path(name).read_bytes()
        if sys.stdin.isatty():
            sys.stderr.write("Type or paste it; Ctrl-D ends it.\n")
        return sys.stdin.buffer.read()
    except OSError as problem:
        raise OperatorError(f"Cannot read {name}: {problem.strerror}.") from None


def _explained(error: Exception, unchanged: str) -> str:
    """What an operator can do about the error; "" where it is a fault of the program."""
    if isinstance(error, Refused):
        wait = f"Wait {-(-error.retry_after // 60)} minutes." if error.retry_after else ""
        words = (error.reason.operator, wait or error.reason.fix, unchanged)
        return " ".join(filter(None, map(str, words)))
    if isinstance(error, (OperatorError, NoSuchSession, StoreUnavailable)):
        next_step = getattr(error, "next_step", "")
        return " ".join(filter(None, (str(error), unchanged, next_step)))
    if isinstance(error, EOFError):
        return f"No answer came. {unchanged}".rstrip()
    if isinstance(error, UnicodeEncodeError):
        return f"What was given is not UTF-8: {error.object!r}."
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        _discard_output()
        return "The disk is full: the output is not complete."
    if is_outage(error) or isinstance(error, (ProgrammingError, InternalError)):
        reason = " ".join(str(error).split()) or type(error).__name__
        is_missing = "no such table" in reason or "does not exist" in reason
        next_step = "Run: ./manage.py migrate" if is_missing else "See: ./manage.py doctor"
        return f"{reason}. {next_step}"
    return ""


def _discard_output() -> None:
    """Python would try to write the rest once more when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def reopen_closed_streams() -> None:
    """A stream that the shell closed (`>&-`) is None in Python: nothing is read or written then."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))


def as_json(value: Any) -> str:
    """One value, on one line."""
    return json.dumps(value, default=_plain, ensure_ascii=False)


def as_list(value: Mapping[str, Any]) -> Iterator[str]:
    """A line for each name and its value, aligned."""
    width = max(map(len, value), default=0)
    for name, item in value.items():
        yield f"{_title(name):<{width}}  {_text(item)}".rstrip()


def table(rows: Iterable[Any], columns: Sequence[str]) -> Iterator[str]:
    """A header and a line for each row; only the last column is not shortened."""
    cells = [[_title(name) for name in columns]]
    cells += [[_text(value_in(row, name)) for name in columns] for row in rows]
    widths = [min(_WIDEST, max(map(len, column))) for column in zip(*cells, strict=True)]
    for line in cells:
        yield "  ".join(map(_fitted, line, [*widths[:-1], 0])).rstrip()


def json_array(rows: Iterable[Any], columns: Sequence[str]) -> Iterator[str]:
    """An array, written as the rows come: one object a line."""
    before = "["
    for row in rows:
        yield before + as_json({name: value_in(row, name) for name in columns})
        before = ","
    yield "[]" if before == "[" else "]"


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
    """A value for one line of a terminal, without control characters."""
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
