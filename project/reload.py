"""HUP serves the code that lies on the disk now, and a worker never mixes two releases.

With preload_app gunicorn's own reload gives new workers the old code, which then reads the new
templates. Here the master tries the new release, and becomes it if it starts: the same process id,
the same sockets, and the workers of before serve until the first new one does. The environment is
the one that the master was started with: whoever changes that restarts it.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from django.template import TemplateDoesNotExist, TemplateSyntaxError, engines

from accounts.logs import scrub

WORKERS_BEFORE: Final = "GUNICORN_WORKERS_BEFORE"
_SECONDS: Final = 60
_TEMPLATE_FOLDERS: Final = ("microsoft_admin", "admin", "registration", "socialaccount")


def become_new_release(server: Any) -> None:
    """gunicorn's hook `on_reload`. Returns, and logs why, if the new release does not start."""
    context = server.START_CTX
    command = _command(context[0], context["args"][1:])
    if problem := _problem([*command, "--check-config"], context["cwd"], server.cfg.env_orig):
        server.log.error(
            "HUP: the code on the disk does not start, so it is not served: %s", problem
        )
        return
    environ = server.cfg.env_orig | {
        "GUNICORN_PID": str(server.pid),
        "GUNICORN_FD": ",".join(str(listener.fileno()) for listener in server.LISTENERS),
        WORKERS_BEFORE: ",".join(map(str, server.WORKERS)),
    }
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a second one must not end what starts now
    os.chdir(context["cwd"])
    os.execve(command[0], command, environ)  # noqa: S606 -- its own command line, without a shell


def end_workers_before() -> None:
    """In a worker that serves: those of the release before finish their requests, and end."""
    for pid in filter(None, os.environ.pop(WORKERS_BEFORE, "").split(",")):
        if _parent_of(pid) == os.getppid():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGTERM)


def load_templates() -> None:
    """All of them, before a worker is forked: what comes to the disk later is another release's."""
    for engine in engines.all():
        for directory in map(Path, engine.template_dirs):
            for path in [*directory.glob("*.html"), *_below(directory)]:
                with suppress(TemplateDoesNotExist, TemplateSyntaxError):
                    engine.get_template(str(path.relative_to(directory)))


def _command(python: str, arguments: Sequence[str]) -> list[str]:
    """`python -m gunicorn` says of itself that it is a file, whose neighbours would hide `http`."""
    if Path(arguments[0]).name == "__main__.py":
        return [python, "-m", "gunicorn", *arguments[1:]]
    return [python, *arguments]


def _below(directory: Path) -> list[Path]:
    return [path for name in _TEMPLATE_FOLDERS for path in (directory / name).rglob("*.html")]


def _problem(command: Sequence[str], directory: str, environ: dict[str, str]) -> str:
    try:
        done = subprocess.run(
            command, cwd=directory, env=environ, capture_output=True, text=True, timeout=_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        return type(problem).__name__
    output = (done.stdout + done.stderr).strip().splitlines() or ["it said nothing"]
    return scrub(" | ".join(output[-3:]))[:600] if done.returncode else ""


def _parent_of(pid: str) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return -1
