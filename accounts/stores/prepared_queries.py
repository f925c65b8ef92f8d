"""Queries that Django writes once a process: writing one takes it longer than it takes to answer.

    _by_key = Prepared(lambda pk: everyone().filter(pk=pk))
    _by_key(3)  # the rows of that queryset

For querysets whose SQL is the same whatever the values, the time and the request.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from django.db import connections
from django.db.models import Expression, QuerySet
from typing_extensions import override

Row = TypeVar("Row")
_Written = tuple[Any, Any, str, tuple[object, ...]]  # queryset, compiler, SQL, parameters


class _Later(Expression):
    """A value that a call brings: until then it is its own parameter."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    @override
    def as_sql(self, *args: Any, **kwargs: Any) -> Any:
        return "%s", (self,)


class Prepared(Generic[Row]):
    """A function of the values that `make` leaves open, for one or several of them."""

    def __init__(self, make: Callable[..., QuerySet[Any, Row]]) -> None:
        self._make = make
        self._written: dict[int, _Written] = {}  # by the number of values

    def __call__(self, *values: object) -> list[Row]:
        """The rows; raises what the database raises."""
        queryset, compiler, sql, open_parameters = self._written_for(len(values))
        parameters = tuple(
            values[one.number] if isinstance(one, _Later) else one for one in open_parameters
        )
        rows: QuerySet[Any, Row] = queryset.all()
        rows.query.get_compiler = lambda *_args, **_kwargs: _with(compiler, sql, parameters)  # type: ignore[method-assign]
        return list(rows)

    def _written_for(self, number: int) -> _Written:
        if number not in self._written:
            queryset = self._make(*map(_Later, range(number)))
            compiler = queryset.query.get_compiler(queryset.db)
            self._written[number] = queryset, compiler, *compiler.as_sql()
        return self._written[number]


def _with(compiler: Any, sql: str, parameters: tuple[object, ...]) -> Any:
    """The compiler, on this thread's connection, that writes nothing."""
    found = copy.copy(compiler)
    found.connection = connections[compiler.using]
    found.as_sql = lambda *_args, **_kwargs: (sql, parameters)
    return found
