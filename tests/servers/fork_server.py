"""`python -m tests.servers.fork_server SOCKET PYTHON`: programs that start without their imports.

It imports what the site imports from others and those of its own modules that need no settings,
and forks itself for each program that it is asked for (tests/servers/forked.py asks). What comes
out is a process like any other: a session, environment, directory and output of its own, whose
settings are read after the fork. It has no threads, no connections and no random numbers to hand
down. In another directory than this project's there is nothing of this project.

It ends when its standard input does, which its starter holds, and all its children with it.
"""

import array
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

# Each brings its relatives along. None may need settings: they are not there yet.
IMPORTS = (
    "allauth.account.app_settings",
    "allauth.core.ratelimit",
    "allauth.socialaccount.app_settings",
    "cryptography.fernet",
    "csp.middleware",
    "csp.templatetags.csp",
    "django.conf.locale.en.formats",
    "django.contrib.admin.templatetags.admin_list",
    "django.contrib.admin.templatetags.log",
    "django.contrib.auth.context_processors",
    "django.contrib.auth.hashers",
    "django.contrib.messages.context_processors",
    "django.contrib.messages.storage.fallback",
    "django.contrib.sessions.middleware",
    "django.core.management",
    "django.core.wsgi",
    "django.db.backends.postgresql.base",
    "django.db.migrations.executor",
    "django.middleware.locale",
    "django_redis.client",
    "environ",
    "gunicorn.app.wsgiapp",
    "gunicorn.workers.gthread",
    "jwt",
    "limits",
    "psycopg",
    "redis.auth.token_manager",
    "requests",
    "whitenoise.middleware",
    "whitenoise.storage",
)
# Likewise of this project: half of what it imports to start.
OURS = (
    "accounts.admin.csv_export",
    "accounts.admin.microsoft_app.typed_secrets",
    "accounts.apps",
    "accounts.browsers",
    "accounts.entra.authority",
    "accounts.entra.credentials.sources",
    "accounts.entra.tokens",
    "accounts.operate.credential_test",
    "accounts.operate.moves_file",
    "accounts.operate.optional_claims",
    "accounts.operate.pasted_records",
    "accounts.operate.rehearsal_shown",
    "accounts.operate.search",
    "accounts.processes",
    "accounts.sessions.database",
    "accounts.signin.session_limits",
    "accounts.signin.state",
    "accounts.static_files",
    "accounts.transport",
    "accounts.web.automatic",
    "accounts.web.error_reports",
    "accounts.web.health",
    "accounts.web.microsoft_session",
    "accounts.web.popups",
    "accounts.web.site_names",
    "accounts.web.throttle",
    "project.access_log",
    "project.csp",
    "project.databases",
    "project.extension",
    "project.redis_cache",
    "project.reload",
    "project.static",
    "project.worker",
)
STANDARD = 3  # input, output and errors
LONGEST = 1 << 20


class Server:
    """Forks on request; `serve` returns in each child, with its program, and never in itself."""

    def __init__(self, path: str) -> None:
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(f"{path}.new")
        self._listener.listen(64)
        self._path = Path(f"{path}.new").rename(path)  # now it can be asked
        self._askers: dict[int, socket.socket] = {}
        self._watch = selectors.DefaultSelector()
        self._woken, self._waker = socket.socketpair()

    def serve(self) -> dict[str, Any]:
        self._waker.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        for source in (self._listener, self._woken, sys.stdin):
            self._watch.register(source, selectors.EVENT_READ)
        while True:
            for key, _ in self._watch.select():
                if (program := self._attend(key)) is not None:
                    return program

    def _attend(self, key: selectors.SelectorKey) -> dict[str, Any] | None:
        if key.fileobj is self._listener:
            return self._accept()
        if key.fileobj is sys.stdin:
            self._end()
        elif key.fileobj is self._woken:
            self._woken.recv(4096)
            self._reap()
        else:
            _kill(key.data)  # who asked is gone
            self._watch.unregister(key.fileobj)
        return None

    def _accept(self) -> dict[str, Any] | None:
        asker, _ = self._listener.accept()
        message, ancillary, _, _ = asker.recvmsg(LONGEST, socket.CMSG_SPACE(STANDARD * 4))
        files = array.array("i")
        for _, _, data in ancillary:
            files.frombytes(data)
        pid = os.fork() if message else -1
        if pid == 0:
            self._become_child(asker, files)
            return dict(json.loads(message))
        for file in files:
            os.close(file)
        if pid < 0:
            asker.close()
            return None
        self._askers[pid] = asker
        self._watch.register(asker, selectors.EVENT_READ, pid)
        _tell(asker, pid)
        return None

    def _become_child(self, asker: socket.socket, files: "array.array[int]") -> None:
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._watch.close()
        for mine in (self._listener, self._woken, self._waker, asker, *self._askers.values()):
            mine.close()
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)

    def _reap(self) -> None:
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if (asker := self._askers.pop(ended[0], None)) is not None:
                    _tell(asker, os.waitstatus_to_exitcode(ended[1]))
                    with suppress(KeyError):
                        self._watch.unregister(asker)
                    asker.close()

    def _end(self) -> None:
        for pid in self._askers:
            _kill(pid)
        self._path.unlink(missing_ok=True)
        os._exit(0)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _tell(asker: socket.socket, number: int) -> None:
    with suppress(OSError):  # who asked may have gone
        asker.send(str(number).encode())


def run(command: list[str], env: Mapping[str, str], cwd: str) -> None:
    """What `python COMMAND` does, in this process."""
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    # accounts.telemetry asks when it is imported whether there is a collector.
    if str(Path.cwd()) != cwd or any(name.startswith("OTEL_") for name in env):
        _forget_ours()
    os.chdir(cwd)
    extra = [entry for entry in env.get("PYTHONPATH", "").split(os.pathsep) if entry]
    sys.path[:] = [cwd, *extra, *sys.path[1:]]
    execute(command)


def _forget_ours() -> None:
    for name in [*sys.modules]:
        if name.partition(".")[0] in ("accounts", "project"):
            del sys.modules[name]


def execute(command: list[str]) -> None:
    """What `python COMMAND` does here and in this environment."""
    if command[0] == "-m":
        sys.argv = command[1:]
        runpy.run_module(command[1], run_name="__main__", alter_sys=True)
    elif command[0] == "-c":
        sys.argv = ["-c", *command[2:]]
        exec(command[1], {"__name__": "__main__"})  # noqa: S102 - as `python -c` does
    else:
        sys.argv = command
        runpy.run_path(command[0], run_name="__main__")


def main(path: str, executable: str) -> None:
    for name in IMPORTS + OURS:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # what is shared stays shared
    program = Server(path).serve()
    # What a program starts in turn costs no imports either.
    sys.executable = executable
    run(program["command"], program["env"], program["cwd"])


def ask(
    path: str, command: Sequence[str], env: Mapping[str, str], cwd: str, files: Sequence[int]
) -> socket.socket:
    """Have a program started; what comes back are its process id and then its exit status."""
    asker = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    asker.connect(path)
    message = json.dumps({"command": list(command), "env": dict(env), "cwd": cwd}).encode()
    socket.send_fds(asker, [message], files)
    return asker


def stand_in(path: str, command: Sequence[str]) -> NoReturn:
    """Be `python COMMAND` to whoever started this process: the same files, the same end."""
    asker = ask(path, command, os.environ, str(Path.cwd()), range(STANDARD))
    asker.recv(64)
    status = int(asker.recv(64) or b"1")
    sys.exit(status if status >= 0 else 128 - status)


if __name__ == "__main__":
    main(*sys.argv[1:])
