"""One fault as a row: how it is set up, and what page, record, log and doctor must say of it."""

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, TypedDict, Unpack

if TYPE_CHECKING:
    from tests.faults.stage import Stage

    Env = Mapping[str, str] | Callable[[Stage], Mapping[str, str]]
    Step = Callable[[Stage], object]
    Play = Callable[[Stage], str]

ONLINE = ("--online",)
URL = ("--url",)
START_UP = "start-up"  # no finding: the settings refuse to load, for the site and for doctor
GETS_IN = "gets in"
NO_START = "the site does not start"
DEAD_BUTTON = "a bare 403 page"


@dataclass(frozen=True)
class Fault:
    """A fault; the name of the variable that holds it is its name.

    Set up: `before` runs; then a site starts if `env` (or a function of the stage that makes it),
    `mistake` (of tests/faults/mistakes.py) or `workers` ask for one of the fault's own, else the
    site that all share is used; `person` presses the button; `between` runs while they are at
    Microsoft, which sends them back with `error` (of tests/emulator/scenarios.py) if there is one.
    `play`, given by the decorator `fault`, does all of this in its own way.

    Expected: `page` is the reason code or a phrase (see tests.faults.stage.outcome).
    `record` is a part of the detail in the sign-in record, whose row must have the page's reason
    and reference; None: no row at all. `log` is a part of the site's log, which must also have
    the reference of the page or record; None: the log has no warning. `doctor` is the id of the
    finding that names the cause, `says` a part of its words, `ask` doctor's options.
    """

    sentence: str
    set_up: str = ""
    _: KW_ONLY
    page: str
    doctor: str
    says: str
    record: str | None = ""
    log: str | None = ""
    ask: tuple[str, ...] = ()
    env: "Env" = field(default_factory=dict)
    mistake: str = ""
    workers: int = 0
    before: "Step | None" = None
    person: str = "staff"
    between: "Step | None" = None
    error: str = ""
    play: "Play | None" = None


class Expected(TypedDict, total=False):
    """What the decorator takes of a Fault's fields."""

    page: str
    doctor: str
    says: str
    record: str | None
    log: str | None
    ask: tuple[str, ...]


def fault(sentence: str, **expected: Unpack[Expected]) -> "Callable[[Play], Fault]":
    """Make a fault of a function that sets it up, signs in and returns the page's reason.

    Its docstring tells how the fault is set up.
    """

    def make(play: "Play") -> Fault:
        set_up = " ".join((play.__doc__ or "").split())
        return Fault(sentence, set_up, play=play, **expected)

    return make


def faults_of(module: ModuleType) -> dict[str, Fault]:
    """A module's faults by name, in their order."""
    return {name: value for name, value in vars(module).items() if isinstance(value, Fault)}
