"""What is broken while people sign in, and when each fault was felt."""

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.soak.stage import Stage

# After the servers agree again, connections that were being made still fail for a moment.
SETTLING_S = 2.0
DOWN_S = 3.0  # as long as a managed PostgreSQL takes to restart, in short
KILLED = "a worker was killed"
FAIL_OVER = "Redis failed over"
RESTART = "PostgreSQL restarted"
REPLACED = "an instance was replaced"


@dataclass(slots=True)
class Window:
    name: str
    began: float
    ended: float = float("inf")


@dataclass(slots=True)
class Faults:
    """Fault windows, and the moments at which a worker was killed."""

    windows: list[Window] = field(default_factory=list)
    kills: list[float] = field(default_factory=list)
    replaced: list[float] = field(default_factory=list)

    def excuses(self, began: float, ended: float) -> tuple[str, ...]:
        """What a try of this time was in the midst of."""
        felt = [w.name for w in list(self.windows) if began <= w.ended and ended >= w.began]
        killed = any(began <= at <= ended for at in list(self.kills))
        return (*felt, KILLED) if killed else tuple(felt)

    @property
    def open(self) -> bool:
        return any(window.ended > time.monotonic() for window in list(self.windows))

    @contextmanager
    def window(self, name: str) -> Iterator[None]:
        felt = Window(name, time.monotonic())
        self.windows.append(felt)
        yield
        felt.ended = time.monotonic() + SETTLING_S

    def seconds(self, name: str) -> float:
        """How long the fault itself lasted."""
        return sum(w.ended - SETTLING_S - w.began for w in self.windows if w.name == name)


class Saboteur:
    """Kills a worker every few seconds; breaks each part once, at its share of the run."""

    def __init__(self, stage: Stage, faults: Faults, *, every: float, lasting: float) -> None:
        self._stage, self._faults, self._every = stage, faults, every
        self._steps: list[tuple[float, Callable[[], None]]] = [
            (0.25 * lasting, self._fail_over),
            (0.50 * lasting, self._restart),
            (0.75 * lasting, self._replace),
        ]
        self._done = threading.Event()
        self._random = random.Random(6)  # noqa: S311 - the same run each time
        self._busy = threading.Lock()
        self._threads = [threading.Thread(target=self._kill), threading.Thread(target=self._break)]
        self.problem: Exception | None = None

    def __enter__(self) -> "Saboteur":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """All that was planned is done before the load may end."""
        self._threads[1].join()
        self._done.set()
        self._threads[0].join()
        if self.problem:
            raise self.problem

    def _kill(self) -> None:
        while not self._done.wait(self._every):
            with self._busy, suppress(ProcessLookupError, FileNotFoundError):
                site = self._random.choice(self._stage.sites)
                workers = site.workers()
                if len(workers) > 1:
                    self._faults.kills.append(time.monotonic())
                    os.kill(self._random.choice(workers), signal.SIGKILL)

    def _break(self) -> None:
        began = time.monotonic()
        try:
            for after, step in self._steps:
                if not self._done.wait(max(0.0, began + after - time.monotonic())):
                    step()
        except Exception as problem:
            self.problem = problem

    def _fail_over(self) -> None:
        with self._faults.window(FAIL_OVER):
            self._stage.redis.fail_over()

    def _restart(self) -> None:
        with self._faults.window(RESTART):
            self._stage.postgres.stop()
            time.sleep(DOWN_S)
            self._stage.postgres.start()

    def _replace(self) -> None:
        with self._busy:
            self._stage.replace()
            self._faults.replaced.append(time.monotonic())
