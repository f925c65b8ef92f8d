"""`python -m tests.servers.fork_server SOCKET PYTHON`: programs that start without their imports.

It imports what the site imports from others and those of its own modules that need no settings,
and forks itself for each program that it is asked for (tests/servers/forked.py asks). What comes
out is a process like any other: a session, environment, directory and output of its own, whose
settings are read after the fork. It has no threads, no connections and no random numbers to hand
down. In another directory than this project's there is nothing of this project.

It ends when its standard input does, which its starter holds, and all its children with it.
"""

import array
import atexit
import ctypes
import gc
import importlib
import marshal
import os
import runpy
import selectors
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, NoReturn

from accounts.display.browsers import browser_of
from tests.servers.stand_in import STANDARD, STARTED

# Each brings its relatives along. None may need settings: they are not there yet.
IMPORTS = (
    "allauth.account.app_settings",
    "allauth.account.checks",
    "allauth.core.internal.adapter",
    "allauth.core.internal.modelkit",
    "allauth.core.internal.urlkit",
    "allauth.core.ratelimit",
    "allauth.models",
    "allauth.socialaccount.app_settings",
    "allauth.socialaccount.internal",
    "allauth.socialaccount.providers.microsoft",
    "allauth.socialaccount.providers.oauth2.utils",
    "allauth.socialaccount.signals",
    "allauth.templatetags.allauth",
    "cryptography.fernet",
    "csp.middleware",
    "csp.templatetags.csp",
    "django.conf.locale.en.formats",
    "django.contrib.admin.templatetags.admin_list",
    "django.contrib.admin.templatetags.admin_modify",
    "django.contrib.admin.templatetags.log",
    "django.contrib.auth.apps",
    "django.contrib.auth.context_processors",
    "django.contrib.auth.hashers",
    "django.contrib.auth.password_validation",
    "django.contrib.auth.tokens",
    "django.contrib.contenttypes.apps",
    "django.contrib.messages.apps",
    "django.contrib.messages.context_processors",
    "django.contrib.messages.middleware",
    "django.contrib.messages.storage.fallback",
    "django.contrib.sessions.apps",
    "django.contrib.sessions.middleware",
    "django.contrib.sessions.serializers",
    "django.contrib.sites.shortcuts",
    "django.contrib.staticfiles.apps",
    "django.core.management",
    "django.core.wsgi",
    "django.db.backends.postgresql.base",
    "django.db.migrations.executor",
    "django.middleware.clickjacking",
    "django.middleware.common",
    "django.middleware.locale",
    "django.middleware.security",
    "django.template.context_processors",
    "django.template.loaders.app_directories",
    "django.template.loaders.cached",
    "django.templatetags.cache",
    "django.templatetags.l10n",
    "django.templatetags.tz",
    "django.utils.translation.reloader",
    "django.views.decorators.http",
    "django_redis.cache",
    "django_redis.client",
    "django_redis.compressors.identity",
    "django_redis.serializers.json",
    "environ",
    "gunicorn.app.wsgiapp",
    "gunicorn.workers.gthread",
    "jwt",
    "limits",
    "psycopg",
    "redis.auth.token_manager",
    "requests",
    "whitenoise.middleware",
    "whitenoise.runserver_nostatic",
    "whitenoise.storage",
)
# Likewise of this project: half of what it imports to start.
OURS = (
    "accounts.admin.csv_export",
    "accounts.admin.microsoft_app.typed_secrets",
    "accounts.apps",
    "accounts.display.browsers",
    "accounts.entra.authority",
    "accounts.entra.credentials.sources",
    "accounts.entra.tokens",
    "accounts.operate.credential_test",
    "accounts.operate.moves_file",
    "accounts.operate.optional_claims",
    "accounts.operate.pasted_records",
    "accounts.process.processes",
    "accounts.sessions.database",
    "accounts.sessions.limits",
    "accounts.signin.state",
    "accounts.checks.static_files",
    "accounts.checks.transport",
    "accounts.web.automatic_sign_in",
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
    "project.formats.en.formats",
    "project.postgresql.base",
    "project.redis_cache",
    "project.redis_clients",
    "project.reload",
    "project.static",
    "project.worker",
)
LONGEST = 1 << 20
# When the collector looks: a program that lives for seconds has little to find.
SELDOM = (50_000, 20, 20)
RESOLV_CONF = "TESTS_RESOLV_CONF"  # a variable: the file that is /etc/resolv.conf for a program
_CLONE_NEWNS, _MS_BIND, _MS_REC, _MS_PRIVATE = 0x20000, 1 << 12, 1 << 14, 1 << 18


class Program(NamedTuple):
    """`python COMMAND` in an environment and a directory."""

    command: list[str]
    env: dict[str, str]
    cwd: str


class Server:
    """Forks on request; `serve` returns in each child, with its program, and never in itself.

    `takes` makes the child ready for a program, or says that it cannot be.
    """

    def __init__(self, path: str, takes: Callable[[Program], bool]) -> None:
        self._takes = takes
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(f"{path}.new")
        self._listener.listen(64)
        self._path = Path(f"{path}.new").rename(path)  # now it can be asked
        self._askers: dict[int, socket.socket] = {}
        self._watch = selectors.DefaultSelector()
        self._woken, self._waker = socket.socketpair()

    def serve(self) -> Program:
        self._waker.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        for source in (self._listener, self._woken, sys.stdin):
            self._watch.register(source, selectors.EVENT_READ)
        while True:
            for key, _ in self._watch.select():
                if (program := self._attend(key)) is not None:
                    return program

    def _attend(self, key: selectors.SelectorKey) -> Program | None:
        if key.fileobj is self._listener:
            return self._accept()
        if key.fileobj is sys.stdin:
            self._end()
        elif key.fileobj is self._woken:
            self._woken.recv(4096)
            self._reap()
        elif key.data in self._askers:  # else it ended in the same moment
            _kill(key.data)  # who asked is gone
            self._watch.unregister(key.fileobj)
        return None

    def _accept(self) -> Program | None:
        asker, _ = self._listener.accept()
        message, ancillary, _, _ = asker.recvmsg(LONGEST, socket.CMSG_SPACE(STANDARD * 4))
        files = array.array("i")
        for _, _, data in ancillary:
            files.frombytes(data)
        pid = os.fork() if message else -1
        if pid == 0:
            return self._become(message, asker, files)
        for file in files:
            os.close(file)
        if pid < 0:
            asker.close()
            return None
        self._askers[pid] = asker
        self._watch.register(asker, selectors.EVENT_READ, pid)
        return None

    def _become(self, message: bytes, asker: socket.socket, files: "array.array[int]") -> Program:
        """In the child: the program, unless another server is to be asked for it."""
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._watch.close()
        for mine in (self._listener, self._woken, self._waker, *self._askers.values()):
            mine.close()
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)
        program = Program(*marshal.loads(message))  # noqa: S302 - from `ask`, of our own
        if not self._takes(program):
            asker.send(b"-")
            os._exit(0)
        asker.send(STARTED + str(os.getpid()).encode())
        asker.close()
        return program

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
    """It may have no group of its own yet."""
    for kill in (os.killpg, os.kill):
        with suppress(ProcessLookupError):
            kill(pid, signal.SIGKILL)


def _tell(asker: socket.socket, number: int) -> None:
    with suppress(OSError):  # who asked may have gone
        asker.send(str(number).encode())


def _forget_ours() -> None:
    for name in [*sys.modules]:
        if name.partition(".")[0] in ("accounts", "project", "tests"):
            del sys.modules[name]


def enter(program: Program) -> bool:
    """Make the program's environment and directory those of this process."""
    os.environ.clear()
    os.environ.update(program.env)
    sys.argv = _argv(program.command)  # settings may look at it
    time.tzset()
    if str(Path.cwd()) != program.cwd:
        _forget_ours()
    if RESOLV_CONF in program.env:
        _use_resolver(program.env[RESOLV_CONF])
    os.chdir(program.cwd)
    # It would take the directory that it was imported in for its own.
    importlib.import_module("gunicorn.config").Chdir.default = program.cwd
    extra = [entry for entry in program.env.get("PYTHONPATH", "").split(os.pathsep) if entry]
    sys.path[:] = [program.cwd, *extra, *sys.path[1:]]
    return True


def _use_resolver(file: str) -> None:
    """Have this process and its children see the file as /etc/resolv.conf, and nobody else."""
    libc = ctypes.CDLL(None, use_errno=True)
    failed = (
        libc.unshare(_CLONE_NEWNS)
        or libc.mount(None, b"/", None, _MS_REC | _MS_PRIVATE, None)
        or libc.mount(file.encode(), b"/etc/resolv.conf", None, _MS_BIND, None)
    )
    if failed:
        raise OSError(ctypes.get_errno(), "no view of our own, which takes root")


def execute(command: list[str]) -> NoReturn:
    """What `python COMMAND` does here and in this environment, to its end.

    All that the interpreter does at its end is done, but for taking everything apart: that writes
    into each page of memory that is shared, and takes longer than most programs.
    """
    status: object = 0
    try:
        _execute(command)
    except SystemExit as ended:
        status = ended.code
    except Exception:
        sys.excepthook(*sys.exc_info())
        status = 1
    if isinstance(status, str):
        print(status, file=sys.stderr)
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:  # nobody reads any more
        status = 120
    os._exit(status & 0xFF if isinstance(status, int) else status is not None)


def _argv(command: list[str]) -> list[str]:
    match command:
        case "-m", *words:
            return words
        case "-c", _program, *words:
            return ["-c", *words]
    return command


def _execute(command: list[str]) -> None:
    if command[0] == "-m":
        runpy.run_module(command[1], run_name="__main__", alter_sys=True)
    elif command[0] == "-c":
        exec(command[1], {"__name__": "__main__"})  # noqa: S102 - as `python -c` does
    else:
        runpy.run_path(command[0], run_name="__main__")


def main(path: str, executable: str) -> NoReturn:
    gc.disable()  # nothing that is imported can go
    for name in IMPORTS + OURS:
        importlib.import_module(name)
    browser_of("any")  # the parser compiles its patterns at first use
    gc.freeze()  # what is shared stays shared
    gc.set_threshold(*SELDOM)
    gc.enable()
    program = Server(path, enter).serve()
    # What a program starts in turn costs no imports either.
    sys.executable = executable
    execute(program.command)


if __name__ == "__main__":
    main(*sys.argv[1:])
