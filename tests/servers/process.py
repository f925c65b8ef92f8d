"""A server as a child process: started in a group of its own, logged to a file, ended for certain.

Standard library only, since `make run` uses it without the test requirements.
"""

import atexit
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from functools import cache
from pathlib import Path
from typing import IO, Protocol

ROOT = Path(__file__).resolve().parents[2]
TAIL_LINES = 60
_MEMORY = Path("/dev/shm")  # noqa: S108 - directories of random names
_ROOM = 4 << 30
_live: list["Process"] = []


class NotStarted(Exception):
    """A server that did not come up; the message ends with its log."""


class Child(Protocol):
    """What is asked of a child: Popen's names."""

    @property
    def pid(self) -> int: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int) -> None: ...


class Process:
    """One child and all that it starts. `log` takes its output and errors; None is the terminal."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path = ROOT,
        unprivileged: bool = False,
        leashed: bool = False,
    ) -> None:
        """`leashed`: its standard input ends when this process does, however that ends."""
        self.name, self.command, self.log, self.cwd = name, list(command), log, cwd
        self.env = clean_environment() if env is None else dict(env)
        self.unprivileged, self.leashed = unprivileged, leashed
        self._starter = os.getpid()
        self._child: Child | None = None

    def start(self) -> None:
        with self.log.open("ab") if self.log else nullcontext() as output:
            self._child = self._launch(output)
        _live.append(self)

    def _launch(self, output: IO[bytes] | None) -> Child:
        user = unprivileged_user() if self.unprivileged else None
        return subprocess.Popen(
            self.command,
            env=self.env,
            cwd=self.cwd,
            stdin=subprocess.PIPE if self.leashed else subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
            start_new_session=True,
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
        )

    def wait_until(self, ready: Callable[[], bool], seconds: float = 60) -> None:
        """Return once ready; a server that ends or takes too long is an error with its log."""
        deadline = time.monotonic() + seconds
        while not (ready() and self.running):  # else it is another that answers
            if not self.running or time.monotonic() > deadline:
                why = "took too long to start" if self.running else "ended while starting"
                self.stop()
                raise NotStarted(f"{self.name} {why}:\n{self.log_tail()}")
            time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGTERM, seconds: float = 15) -> None:
        """Ask it to end, then make the whole group end. Ending twice does no harm."""
        child, self._child = self._child, None
        if self in _live:
            _live.remove(self)
        if child is None or os.getpid() != self._starter:
            return
        with suppress(ProcessLookupError):
            child.send_signal(signal.SIGCONT)
            child.send_signal(how)
        with suppress(subprocess.TimeoutExpired):
            child.wait(seconds)
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()

    def ends_within(self, seconds: float) -> bool:
        """Whether it ends by itself."""
        if self._child is not None:
            with suppress(subprocess.TimeoutExpired):
                self._child.wait(seconds)
        return not self.running

    def kill(self) -> None:
        """As a crash would: no clean-up, no warning. Children end by themselves, and have ended."""
        children: list[int] = []
        with suppress(FileNotFoundError, RuntimeError):  # it may have ended by itself
            children = self.children()
        self.stop(signal.SIGKILL)
        late = time.monotonic() + 10
        while time.monotonic() < late and not all(state(pid) == "Z" for pid in children):
            time.sleep(0.001)

    def pause(self) -> None:
        """Hang, with connections left open, until `resume`."""
        stopping = (self.pid, *self.children())
        self.signal(signal.SIGSTOP)
        # A signal is sent before it is obeyed; another request could be answered in between.
        while not all(state(pid) in "TtZ" for pid in stopping):
            time.sleep(0.001)

    def resume(self) -> None:
        self.signal(signal.SIGCONT)

    def signal(self, how: signal.Signals) -> None:
        """Send to the process and its children, which may have left its group."""
        for pid in (self.pid, *self.children()):
            with suppress(ProcessLookupError):
                os.kill(pid, how)

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    @property
    def pid(self) -> int:
        if self._child is None:
            raise RuntimeError(f"{self.name} is not running")
        return self._child.pid

    def children(self) -> list[int]:
        listed = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        return [int(pid) for pid in listed.read_text().split()]

    def log_text(self) -> str:
        if self.log is None or not self.log.exists():
            return ""
        return self.log.read_text(errors="replace")

    def log_tail(self, lines: int = TAIL_LINES) -> str:
        return "\n".join(self.log_text().splitlines()[-lines:])


def state(pid: int) -> str:
    """A letter, as `ps` shows it: T for stopped, Z for ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except FileNotFoundError:
        return "Z"


def clean_environment(**variables: str) -> dict[str, str]:
    """What a process gets instead of ours, so that nothing set on this machine decides a test."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.environ.get("HOME", "/"),
        "LANG": "C.UTF-8",
        **variables,
    }


def scratch(name: str) -> Path:
    """A directory for one server, removed when this process ends."""
    directory = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=_in_memory()))
    starter = os.getpid()

    def remove() -> None:
        if os.getpid() == starter:
            shutil.rmtree(directory, ignore_errors=True)

    atexit.register(remove)
    return directory


@cache
def _in_memory() -> str | None:
    """Where thousands of files cost an eighth of what they do on a disk; None for want of room."""
    if not _MEMORY.is_dir():
        return None
    there = os.statvfs(_MEMORY)
    runs_programs = not there.f_flag & os.ST_NOEXEC
    return str(_MEMORY) if runs_programs and there.f_bavail * there.f_frsize > _ROOM else None


def unprivileged_user() -> pwd.struct_passwd | None:
    """Whom root becomes for servers that refuse root; None where we are not root."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


@atexit.register
def stop_all() -> None:
    for process in reversed(_live.copy()):
        process.stop(seconds=5)
