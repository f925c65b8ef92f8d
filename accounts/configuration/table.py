"""How the environment is read: each variable by its entry in the table, all problems at once.

A table (`project.variables`) is a class whose attributes are Variables; an instance of it reads one
environment, and gives each variable's value, typed, under its name.
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

_FILE: Final = "_FILE"  # NAME_FILE names the file that holds a secret's value
_LARGEST: Final = 65536  # characters of such a file


class BadEnvironment(ImproperlyConfigured):
    """All that is wrong with the environment, one line a problem."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        lines = "\n".join(f"  {problem}" for problem in self.problems)
        super().__init__(f"The environment is not right:\n{lines}")


class Unreadable(ValueError):
    """A variable that others depend on has no value; its own problem is noted already."""


class Variable(Generic[T]):
    """One environment variable.

    `read` turns the text into the value, or raises ValueError saying what is wrong with it.
    `default` is the value when unset, or a function of the other variables, which raises ValueError
    when there is none; `default_in_words` then tells the documentation. `example` is there to copy.
    A `secret` may be given as NAME_FILE too; a path in its own place is taken only if `by_path`.
    `free` text is for people to read.
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
        """All entries, in the table's order."""
        classes = [one for one in cls.__mro__ if issubclass(one, Table)]
        found = {n: e for one in classes for n, e in vars(one).items() if isinstance(e, Variable)}
        return {name: getattr(cls, name) for name in found}

    def is_set(self, *names: str) -> bool:
        """Whether any of them has a value to read, good or bad."""
        files = [name + _FILE for name in names if getattr(type(self), name).secret]
        return any(map(self._text_of, [*names, *files]))

    def value(self, variable: Variable[T]) -> T:
        """The variable's value; raises Unreadable when it has none.

        Instead of a wrong value the default is given, if it is a plain one, so that the search for
        problems goes on.
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
        found: T = self._values[name]
        return found

    def wrong(self, name: str, what: str) -> None:
        """Note a problem; of several with one variable the first is kept."""
        self._problems.setdefault(name, what)

    def check(self, rules: Iterable[Callable[[Any], None]]) -> None:
        """Read every variable, then see what must fit together; raises BadEnvironment.

        A rule that needs a variable without a value is passed over. Warnings are in `warnings`.
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
            found: T = variable.default(self)
            return found
        return variable.default

    def _read(self, variable: Variable[T]) -> T:
        """The value of what was given, or stands in the file that was; raises ValueError."""
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
        """Names of variables that nothing reads, beside those that they look like."""
        given = [name for name in self.environ if self._text_of(name)]
        variables = self.variables()
        known = {*variables, *(f"{name}{_FILE}" for name, v in variables.items() if v.secret)}
        suggestions: dict[str, set[str]] = defaultdict(set)
        for name, right in near_misses.typing_errors(given, known):
            base = right if right in variables else right.removesuffix(_FILE)
            if self.is_set(base):
                self.warnings.append(f"{name} is set, but not read: {right} is.")
            else:
                suggestions[base].add(name)
        for name, right in near_misses.without_effect(given):
            self.warnings.append(f"{name} is set, but not read: {right} is.")
        for name in [name for name in self._problems if not self.is_set(name)]:
            suggestions[name].update(near_misses.stand_ins(name, given, known))
        for name, others in suggestions.items():
            if others:
                problem = self._problems.get(name, "is not set")
                self._problems[name] = f"{problem}; not read: {', '.join(sorted(others))}"


def _unless_unreadable(step: Callable[[Any], object], argument: object) -> None:
    with suppress(Unreadable):
        step(argument)


def _parsed(variable: Variable[T], text: str) -> T:
    """The text's value; raises ValueError saying what is wrong, without quoting a secret."""
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
    """What a secret's file holds, without the newline at its end; raises ValueError."""
    try:
        if Path(path).is_fifo():  # it would wait for a writer, and be empty the next time
            raise ValueError("its file is a pipe: save it to a regular file")
        with Path(path).open(encoding="utf-8", newline="") as file:
            text = file.read(_LARGEST + 1).rstrip("\r\n")
    except UnicodeDecodeError:
        raise ValueError("is in a file that is not UTF-8 text") from None
    except (OSError, ValueError) as problem:
        raise ValueError(f"cannot be read: {getattr(problem, 'strerror', problem)}") from None
    if not text.strip():
        raise ValueError("is in a file that is empty")
    if len(text) > _LARGEST:
        raise ValueError(f"is in a file of more than {_LARGEST} characters")
    return text.strip()
