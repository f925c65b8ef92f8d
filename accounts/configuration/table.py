"""Reads an environment by a table of variables, and reports all problems at once.

A table (`project.variables`) is a class whose attributes are Variables. An instance of it reads one
environment and has each variable's typed value under its name.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Generic, Self, TypeVar, overload

from django.core.exceptions import ImproperlyConfigured

from . import near_misses, suspicious

T = TypeVar("T")

_FILE: Final = "_FILE"  # NAME_FILE is the path of the file that holds a secret
_MAX_LENGTH: Final = 65536  # characters in such a file


class BadEnvironment(ImproperlyConfigured):
    """Everything that is wrong with the environment, one line per problem."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        lines = "\n".join(f"  {problem}" for problem in self.problems)
        super().__init__(f"The environment is not right:\n{lines}")


class Unreadable(ValueError):
    """The variable has no value; its own problem is recorded already."""


class Variable(Generic[T]):
    """One environment variable.

    `read` turns the text into the value, or raises ValueError saying what is wrong with it.
    `default` is the value when unset, or a function of the table that computes it or raises
    ValueError; `default_in_words` documents such a function. `example` can be copied.
    A `secret` may also be given as NAME_FILE, and be a path itself only if `by_path`.
    `free` text is for people to read, and may look like anything.
    """

    name: str

    def __init__(
        self,
        read: Callable[[str], T],
        default: T | Callable[[Any], T],
        meaning: str,
        example: str,
        *,
        default_in_words: str = "",
        secret: bool = False,
        by_path: bool = False,
        free: bool = False,
    ) -> None:
        self.read, self.default, self.meaning, self.example = read, default, meaning, example
        self.default_in_words = default_in_words or _in_words(default)
        self.secret, self.by_path, self.free = secret, by_path, free

    def __set_name__(self, table: type[Table], name: str) -> None:
        self.name = name

    @overload
    def __get__(self, table: None, of: type[Table]) -> Self: ...

    @overload
    def __get__(self, table: Table, of: type[Table]) -> T: ...

    def __get__(self, table: Table | None, of: type[Table]) -> Self | T:
        return self if table is None else table.value(self)


def _in_words(default: object) -> str:
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default}`" if default or default == 0 else "empty"


class Table:
    """One environment, read. An empty value counts as unset."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self._values: dict[str, Any] = {}
        self._problems: dict[str, str] = {}
        self.warnings: list[str] = []

    @classmethod
    def variables(cls) -> dict[str, Variable[Any]]:
        """All variables by name, in the table's order."""
        tables = [table for table in cls.__mro__ if issubclass(table, Table)]
        names = [n for table in tables for n, v in vars(table).items() if isinstance(v, Variable)]
        return {name: getattr(cls, name) for name in names}

    @classmethod
    def accepted_names(cls) -> dict[str, str]:
        """Every name that is read, NAME_FILE included, with its variable's name."""
        variables = cls.variables()
        files = {name + _FILE: name for name, variable in variables.items() if variable.secret}
        return {name: name for name in variables} | files

    def is_set(self, *names: str) -> bool:
        """Whether any of these variables is given, right or wrong."""
        return any(self._text_of(given) for given, n in self.accepted_names().items() if n in names)

    def value(self, variable: Variable[T]) -> T:
        """The variable's value. Raises Unreadable.

        For a wrong text it is the default, unless that is a function, so that checking continues.
        """
        name = variable.name
        if name not in self._values:
            try:
                self._values[name] = self._read(variable)
            except Unreadable:
                raise
            except ValueError as problem:
                self.wrong(name, str(problem))
                if callable(variable.default):
                    raise Unreadable(name) from None
                self._values[name] = variable.default
        value: T = self._values[name]
        return value

    def wrong(self, name: str, what: str) -> None:
        """Record a problem; only the first with each variable counts."""
        self._problems.setdefault(name, what)

    def check(self, rules: Iterable[Callable[[Any], None]]) -> None:
        """Read every variable, then apply the rules; fills `warnings`. Raises BadEnvironment.

        A rule that needs an unreadable variable is skipped.
        """
        for variable in self.variables().values():
            _unless_unreadable(self.value, variable)
        for rule in rules:
            _unless_unreadable(rule, self)
        self._suggest_names()
        if self._problems:
            raise BadEnvironment(
                f"{name} {self._problems[name]}. Example: {variable.example}"
                for name, variable in self.variables().items()
                if name in self._problems
            )

    def _text_of(self, name: str) -> str:
        return self.environ.get(name, "").strip()

    def _default(self, variable: Variable[T]) -> T:
        if callable(variable.default):
            value: T = variable.default(self)
            return value
        return variable.default

    def _read(self, variable: Variable[T]) -> T:
        """The value given by the variable or its file, or the default. Raises ValueError."""
        text, path = self._text_of(variable.name), self._text_of(variable.name + _FILE)
        if not path or not variable.secret:
            return _parsed(variable, text) if text else self._default(variable)
        if text:
            raise ValueError(f"is set, and {variable.name}{_FILE} too: one of them must go")
        if not Path(path).is_absolute():
            raise ValueError(f"cannot be read: {variable.name}{_FILE} must be an absolute path")
        try:
            return _parsed(variable, _content(path))
        except ValueError as problem:
            raise ValueError(f"{problem} (in {variable.name}{_FILE}={path!r})") from None

    def _suggest_names(self) -> None:
        """Mention names that are given but not read: in warnings, or in the problems they cause."""
        given = [name for name in self.environ if self._text_of(name)]
        known = self.accepted_names()
        suggestions: dict[str, set[str]] = defaultdict(set)
        for name, right in near_misses.typing_errors(given, known):
            if self.is_set(known[right]):
                self.warnings.append(f"{name} is set, but not read: {right} is.")
            else:
                suggestions[known[right]].add(name)
        for name, right in near_misses.without_effect(given):
            self.warnings.append(f"{name} is set, but not read: {right} is.")
        for name in [name for name in self._problems if not self.is_set(name)]:
            suggestions[name].update(near_misses.candidates(name, given, known))
        for name, others in suggestions.items():
            if others:
                problem = self._problems.get(name, "is not set")
                self._problems[name] = f"{problem}; not read: {', '.join(sorted(others))}"


def _unless_unreadable(function: Callable[[Any], object], argument: object) -> None:
    with suppress(Unreadable):
        function(argument)


def _parsed(variable: Variable[T], text: str) -> T:
    """The text's value. Raises ValueError, whose text quotes no secret."""
    if re.match(rf"(export\s+)?{variable.name}(_FILE)?\s*=", text):
        raise ValueError("begins with its own name: only what comes after the = is the value")
    if text == variable.example and " " in text and not variable.free:
        raise ValueError("is the example of the documentation: put the real value there")
    if problem := suspicious.what_is_wrong(text, free=variable.free):
        raise ValueError(problem)
    if variable.secret and not variable.by_path and suspicious.is_secrets_path(text):
        raise ValueError(f"is a file's path, not the secret: call it {variable.name}{_FILE}")
    return variable.read(text)


def _content(path: str) -> str:
    """The secret in a file, without the newline at its end. Raises ValueError."""
    try:
        if Path(path).is_fifo():  # reading would wait for a writer, and find nothing next time
            raise ValueError("its file is a pipe: save it to a regular file")
        with Path(path).open(encoding="utf-8", newline="") as file:
            text = file.read(_MAX_LENGTH + 1).rstrip("\r\n")
    except UnicodeDecodeError:
        raise ValueError("is in a file that is not UTF-8 text") from None
    except (OSError, ValueError) as problem:
        raise ValueError(f"cannot be read: {getattr(problem, 'strerror', problem)}") from None
    if not text.strip():
        raise ValueError("is in a file that is empty")
    if len(text) > _MAX_LENGTH:
        raise ValueError(f"is in a file of more than {_MAX_LENGTH} characters")
    return text.strip()
