"""Querysets compiled to SQL once a process: compiling takes longer than running the query.

    _by_key = Prepared(lambda pk: everyone().filter(pk=pk))
    _by_key(3)  # the rows of that queryset

Only for querysets whose SQL does not depend on the values, the time or the request.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from django.db import connections
from django.db.models import Expression, QuerySet
from typing_extensions import override

Row = TypeVar("Row")
_Compiled = tuple[Any, Any, str, tuple[object, ...]]  # queryset, compiler, SQL, parameters


class _Placeholder(Expression):
    """Stands in the parameters for the value that a call passes."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    @override
    def as_sql(self, *args: Any, **kwargs: Any) -> Any:
        return "%s", (self,)


class Prepared(Generic[Row]):
    """A function of the parameters of `make`, whose number may vary from call to call."""

    def __init__(self, make: Callable[..., QuerySet[Any, Row]]) -> None:
        self._make = make
        self._compiled: dict[int, _Compiled] = {}  # by the number of values

    def __call__(self, *values: object) -> list[Row]:
        """The rows; raises what the database raises."""
        queryset, compiler, sql, placeholders = self._compiled_for(len(values))
        parameters = tuple(
            values[p.number] if isinstance(p, _Placeholder) else p for p in placeholders
        )
        rows: QuerySet[Any, Row] = queryset.all()
        rows.query.get_compiler = lambda *_args, **_kwargs: _with(compiler, sql, parameters)  # type: ignore[method-assign]
        return list(rows)

    def _compiled_for(self, number: int) -> _Compiled:
        if number not in self._compiled:
            queryset = self._make(*map(_Placeholder, range(number)))
            compiler = queryset.query.get_compiler(queryset.db)
            self._compiled[number] = queryset, compiler, *compiler.as_sql()
        return self._compiled[number]


def _with(compiler: Any, sql: str, parameters: tuple[object, ...]) -> Any:
    """A copy of the compiler, on this thread's connection, with this SQL."""
    copied = copy.copy(compiler)
    copied.connection = connections[compiler.using]
    copied.as_sql = lambda *_args, **_kwargs: (sql, parameters)
    return copied
