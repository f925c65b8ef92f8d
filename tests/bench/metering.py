"""Counts a request's SQL statements, in a run of its own: counting costs time."""

import os
from collections.abc import Callable

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test.utils import CaptureQueriesContext

HEADER = "X-Sql"


def metered(middleware: list[str]) -> list[str]:
    if not os.environ.get("BENCH_METER"):
        return middleware
    return ["tests.bench.metering.SqlMeter", *middleware]


class SqlMeter:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with CaptureQueriesContext(connection) as queries:
            response = self._get_response(request)
        response[HEADER] = str(len(queries))
        return response
