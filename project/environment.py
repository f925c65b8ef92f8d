"""How the environment is read: each variable by its entry in the table, all problems at once.

A table (`project.variables`) is a class whose attributes are Variables; an instance of it reads one
environment, and gives each variable's value, typed, under its name.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, overload

from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Self

T = TypeVar("T")

_FILE: Final = "_FILE"  # NAME_FILE names the file that holds a secret's value


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
    A `secret` may be given as NAME_FILE too.
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
    ) -> None:
        self.read, self.default, self.meaning, self.example = read, default, meaning, example
        self.default_in_words = default_in_words or _in_words(default)
        self.secret = secret

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

    @classmethod
    def variables(cls) -> dict[str, Variable[Any]]:
        """All entries, in the table's order."""
        return {name: entry for name, entry in vars(cls).items() if isinstance(entry, Variable)}

    def is_set(self, *names: str) -> bool:
        """Whether any of them has a value to read, good or bad."""
        return any(self._given(name) or self._given(name + _FILE) for name in names)

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
        """Note a problem; of several with one variable the first is told."""
        self._problems.setdefault(name, what)

    def check(self, rules: Iterable[Callable[[Any], None]]) -> None:
        """Read every variable, then see what must fit together; raises BadEnvironment.

        A rule that needs a variable without a value is passed over.
        """
        for variable in self.variables().values():
            _unless_unreadable(self.value, variable)
        for rule in rules:
            _unless_unreadable(rule, self)
        if self._problems:
            raise BadEnvironment(
                f"{name} {self._problems[name]}. Example: {variable.example}"
                for name, variable in self.variables().items()
                if name in self._problems
            )

    def _given(self, name: str) -> str:
        return self.environ.get(name, "").strip()

    def _default(self, variable: Variable[T]) -> T:
        if callable(variable.default):
            found: T = variable.default(self)
            return found
        return variable.default

    def _read(self, variable: Variable[T]) -> T:
        """The value of what was given, or stands in the file that was; raises ValueError."""
        text, path = self._given(variable.name), self._given(variable.name + _FILE)
        if not path or not variable.secret:
            return variable.read(text) if text else self._default(variable)
        if text:
            raise ValueError(f"is set, and {variable.name}{_FILE} too: one of them must go")
        try:
            return variable.read(_content(path))
        except ValueError as problem:
            raise ValueError(f"{problem} (in {variable.name}{_FILE}={path!r})") from None


def _unless_unreadable(step: Callable[[Any], object], argument: object) -> None:
    with suppress(Unreadable):
        step(argument)


def _content(path: str) -> str:
    """What a secret's file holds, without the newline at its end; raises ValueError."""
    try:
        text = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise ValueError("is in a file that is not UTF-8 text") from None
    except (OSError, ValueError) as problem:
        raise ValueError(f"cannot be read: {getattr(problem, 'strerror', problem)}") from None
    if not text.strip():
        raise ValueError("is in a file that is empty")
    return text
