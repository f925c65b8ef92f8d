"""The sign-in record as CSV, streamed: constant memory, however many rows."""

from __future__ import annotations

import csv
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from django.db.models import Q
from django.http import StreamingHttpResponse
from django.utils import timezone

from accounts.operate.sign_ins import COLUMNS, as_values

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet

    from accounts.models import SignIn

# What a spreadsheet takes for the beginning of a formula (OWASP, "CSV Injection").
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


class _Echo:
    """A file that hands each line back instead of keeping it."""

    def write(self, line: str) -> str:
        return line


def download(rows: QuerySet[SignIn]) -> StreamingHttpResponse:
    """These rows as a file, newest first."""
    response = StreamingHttpResponse(lines(rows), content_type="text/csv; charset=utf-8")
    name = f"sign-ins-{timezone.localdate():%Y-%m-%d}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def lines(rows: QuerySet[SignIn], batch: int = 1000) -> Iterator[str]:
    """A header and a line a row."""
    writer: Any = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    for row in newest_first(rows, batch):
        values = as_values(row)
        yield writer.writerow([cell(values[name]) for name in COLUMNS])


def cell(value: Any) -> Any:
    """The value as no spreadsheet can take it for a formula."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    text = value if isinstance(value, str) else "" if value is None else value
    return f"'{text}" if isinstance(text, str) and text.startswith(_FORMULA) else text


def newest_first(rows: QuerySet[SignIn], batch: int) -> Iterator[SignIn]:
    """The rows in short queries, each where the last one ended: no cursor is held open."""
    rows = rows.select_related("user").order_by("-at", "-pk")
    found = list(rows[:batch])
    while found:
        yield from found
        last = found[-1]
        # `at__lte` alone is what the index serves; the rest tells equals apart.
        older = rows.filter(at__lte=last.at).exclude(Q(at=last.at) & Q(pk__gte=last.pk))
        found = list(older[:batch])
