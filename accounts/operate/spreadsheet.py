"""Write CSV that is safe to open in a spreadsheet.

Spreadsheets run a cell that begins like a formula (OWASP, "CSV Injection"). Where the list
separator is a semicolon, as in much of Europe, Excel splits cells at it, so every part of a cell
that could become a cell is escaped.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from io import StringIO
from typing import Any, Final

from ..display.visible import visible

# After the beginning or a separator, quotes and blanks; full-width forms, too.
_FORMULA: Final = re.compile(r"""(^|[,;\t\r\n|])([\s"']*)([=+\-@\uff1d\uff0b\uff0d\uff20])""")


def cell(value: Any) -> Any:
    """The value, escaped so that no spreadsheet takes it or a part of it for a formula."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    if isinstance(value, date):
        return value.isoformat()
    if value is None or isinstance(value, (bool, int, float)):
        return "" if value is None else value
    text = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    return visible(_FORMULA.sub(r"\1\2'\3", text))


def value_in(row: Any, column: str) -> Any:
    """The value of a column in a row, which is a mapping or an object."""
    return row.get(column) if isinstance(row, Mapping) else getattr(row, column)


def lines(rows: Iterable[Any], columns: Sequence[str]) -> Iterator[str]:
    """A header and a line for each row, without line ends."""
    yield _line(columns)
    for row in rows:
        yield _line([cell(value_in(row, name)) for name in columns])


def _line(cells: Sequence[Any]) -> str:
    line = StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue()
