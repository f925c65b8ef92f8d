"""What is made once for a test run and shared by all of its processes: `once("name", make)`.

Standard library only.
"""

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.servers.process import scratch

_DIRECTORY = "TEST_RUN_DIRECTORY"


def run_directory() -> Path:
    """The test run's own; the first process makes it, and removes it when it ends."""
    if not (given := os.environ.get(_DIRECTORY)) or not Path(given).is_dir():
        given = os.environ[_DIRECTORY] = str(scratch("test-run"))
        Path(given).chmod(0o711)  # servers that refuse root come by
    return Path(given)


def once(name: str, make: Callable[[Path], object]) -> Path:
    """The directory that `make` has filled, for the first who asked; the others waited."""
    directory = run_directory() / name
    with directory.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not directory.exists():
            unfinished = directory.with_suffix(".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            make(unfinished)
            unfinished.rename(directory)
    return directory
