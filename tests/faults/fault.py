"""One fault: a sentence, how it is set up and played, what the page says, what doctor says."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.faults.stage import Stage

Play = Callable[["Stage"], str]

ONLINE = ("--online",)
URL = ("--url",)
START_UP = "start-up"  # no finding: the settings refuse to load, for the site and for doctor
GETS_IN = "gets in"
NO_START = "the site does not start"


@dataclass(frozen=True, slots=True)
class Fault:
    """`play` sets the fault up, signs in, and returns the reason code or a phrase.

    `page` is what it must return; `doctor` the id of the finding that names the cause, and
    `says` a part of its text. `ask` holds doctor's options. `alone`: it changes what all share
    (people, the app in admin, Microsoft, PostgreSQL), or counts seconds.
    """

    name: str
    sentence: str
    set_up: str
    page: str
    doctor: str
    says: str
    ask: tuple[str, ...]
    alone: bool
    play: Play


ALL: list[Fault] = []


def fault(
    sentence: str,
    *,
    page: str,
    doctor: str,
    says: str,
    ask: tuple[str, ...] = (),
    alone: bool = False,
) -> Callable[[Play], Play]:
    """Enter a play into the catalogue; its docstring tells how the fault is set up."""

    def enter(play: Play) -> Play:
        set_up = " ".join((play.__doc__ or "").split())
        ALL.append(Fault(play.__name__, sentence, set_up, page, doctor, says, ask, alone, play))
        return play

    return enter
