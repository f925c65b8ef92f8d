"""Rows as a CSV file, streamed in constant memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db.models import Q, QuerySet
from django.http import StreamingHttpResponse

from ..display import local_time
from ..operate import spreadsheet


def download(name: str, rows: Iterable[Any], columns: Sequence[str]) -> StreamingHttpResponse:
    """The rows as a file whose name ends with today's date."""
    lines = (f"{line}\r\n" for line in spreadsheet.lines(rows, columns))
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    file_name = f"{name}-{local_time.today():%Y-%m-%d}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{file_name}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def newest_first(rows: QuerySet[Any], batch: int = 1000) -> Iterator[Any]:
    """Rows with a time `at`, in short queries, so that no cursor is held open."""
    rows = rows.order_by("-at", "-pk")
    found = list(rows[:batch])
    while found:
        yield from found
        last = found[-1]
        # The index serves `at__lte`; the rest is for rows of the same time.
        older = rows.filter(at__lte=last.at).exclude(Q(at=last.at) & Q(pk__gte=last.pk))
        found = list(older[:batch])
