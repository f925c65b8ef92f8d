"""Python programs from the fork server, which has their imports done: `ForkedPython`, `run`.

Sites and commands come from tests/servers/prepared.py, with apps and URLs loaded, where they can.

The same processes as `subprocess` would start, save that they need a fifth of the time. Whatever
depends on how an interpreter starts (its flags, PYTHON… variables) really starts.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO

from typing_extensions import override

from tests.servers.process import ROOT, Child, Process, scratch
from tests.servers.stand_in import ask

# Read by the interpreter or a library when it starts, not when it is asked.
_AT_START = ("LD_", "MALLOC_", "OPENSSL_", "PYTHON")
_INSTEAD_OF_PYTHON = """\
#!{python} -IS
import sys
sys.path.append({root!r})
from tests.servers.stand_in import stand_in
stand_in({sockets!r}, sys.argv[1:])
"""
# As many kinds of settings that load apps in another way: with and without DEBUG, and one more.
_PREPARED = 3
_NOT_LOADED = ("PYTHONPATH", "SSL_CERT_")  # they decide what is loaded beside the settings


Completed = subprocess.CompletedProcess[str]


class ForkedPython:
    """`python ARGUMENTS` as a child of the fork server; what we use of Popen."""

    returncode: int | None = None

    def __init__(
        self, arguments: Sequence[str], env: Mapping[str, str], cwd: Path, files: Sequence[int]
    ) -> None:
        """`files` are its standard input, output and errors."""
        self._arguments = list(arguments)
        servers = _servers_for(arguments, env, cwd)
        self._told, self.pid = ask(servers, self._arguments, env, str(cwd), files)

    def poll(self) -> int | None:
        """The exit status, or None while it runs."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            self._told.settimeout(timeout)
            try:
                status = self._told.recv(64)
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(self._arguments, timeout or 0) from None
            self._told.close()
            self.returncode = int(status or b"-9")  # the server was ended, and all with it
        return self.returncode

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sig)


class ForkedProcess(Process):
    """A Process whose command is a Python's."""

    @override
    def _launch(self, output: IO[bytes] | None) -> Child:
        if not can_fork(self.env):
            return super()._launch(output)
        with Path(os.devnull).open() as nothing:
            out = output.fileno() if output else 1
            files = (nothing.fileno(), out, out if output else 2)
            return ForkedPython(self.command[1:], self.env, self.cwd, files)


def run(
    *arguments: str,
    env: Mapping[str, str],
    cwd: Path = ROOT,
    stdin: str = "",
    timeout: float = 60,
    prefix: Sequence[str] = (),
) -> Completed:
    """`python ARGUMENTS`, as subprocess.run does it with text and captured output.

    `prefix` is a command that starts it, such as `unshare`: then it is not forked.
    """
    if prefix or not can_fork(env):
        return subprocess.run(
            [*prefix, sys.executable, *arguments],
            env=env,
            cwd=cwd,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    with tempfile.TemporaryFile("w+") as given, _file() as out, _file() as errors:
        given.write(stdin)
        given.seek(0)
        child = ForkedPython(arguments, env, cwd, [f.fileno() for f in (given, out, errors)])
        try:
            child.wait(timeout)
        finally:
            child.send_signal(signal.SIGKILL)
            child.wait()
        for file in (out, errors):
            file.seek(0)
        return subprocess.CompletedProcess(
            arguments, child.wait(), stdout=out.read(), stderr=errors.read()
        )


def _servers_for(arguments: Sequence[str], env: Mapping[str, str], cwd: Path) -> Iterator[str]:
    """In the order in which they are to be asked."""
    if cwd == ROOT and (arguments[0] == "manage.py" or arguments[1] == "gunicorn"):
        yield from list(_prepared)
        if one_more := _prepare(env):
            yield one_more
    yield str(_server())


_prepared: dict[str, ForkedPython] = {}


def _prepare(env: Mapping[str, str]) -> str | None:
    """One more server, with apps loaded as these settings say; None where it cannot be."""
    if len(_prepared) == _PREPARED or any(name.startswith(_NOT_LOADED) for name in env):
        return None
    path = scratch("prepared") / "socket"
    socket = str(path)
    python = _stand_in_of(path, socket, str(_server()))
    leash, held = os.pipe()
    told, ready = os.pipe()
    with Path(os.devnull).open("w") as nothing:
        command = ("-m", "tests.servers.prepared", socket, str(python))
        server = ForkedPython(command, env, ROOT, (leash, ready, nothing.fileno()))
    os.close(leash)
    os.close(ready)
    is_ready = bool(os.read(told, 64))
    os.close(told)
    if not is_ready:
        os.close(held)
        server.wait()
        return None
    # `held` stays open: when it is closed the server's input ends, and so does the server.
    _prepared[socket] = server
    return socket


def can_fork(env: Mapping[str, str]) -> bool:
    """Whether nothing in it is meant for the start of the interpreter."""
    return not any(name.startswith(_AT_START) and name != "PYTHONPATH" for name in env)


def _file() -> IO[str]:
    return tempfile.TemporaryFile("w+", encoding="utf-8")


@cache
def _server() -> Path:
    """One for this process, started when it is first needed; it ends when this process does."""
    socket = scratch("fork-server") / "socket"
    server = Process(
        "fork server",
        [
            sys.executable,
            "-m",
            "tests.servers.fork_server",
            str(socket),
            str(_stand_in_of(socket, str(socket))),
        ],
        log=socket.with_name("log"),
        leashed=True,
    )
    server.start()
    server.wait_until(socket.exists)
    return socket


def _stand_in_of(socket: Path, *sockets: str) -> Path:
    """A program that asks those, to be called as `python` is."""
    python = socket.with_name("python")
    python.write_text(
        _INSTEAD_OF_PYTHON.format(python=sys.executable, root=str(ROOT), sockets=sockets)
    )
    python.chmod(0o755)
    return python
