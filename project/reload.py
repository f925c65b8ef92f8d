"""HUP loads the release that is on disk now, without mixing two releases in one worker.

With preload_app gunicorn's own reload starts new workers with the old code, which then read the new
templates. Here the master checks that the new release starts, then executes it, with the same
process id and sockets. The old workers serve until the first new one is ready. The environment
stays the one that the master was started with; changing it takes a restart.
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
    """gunicorn's hook `on_reload`. Returns only if the new release does not start; logs why."""
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
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a second HUP must not end the new process
    os.chdir(context["cwd"])
    os.execve(command[0], command, environ)  # noqa: S606 -- its own command line, without a shell


def end_workers_before() -> None:
    """In a ready worker: stop the old release's workers, which finish their requests first."""
    for pid in filter(None, os.environ.pop(WORKERS_BEFORE, "").split(",")):
        if _parent_of(pid) == os.getppid():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGTERM)


def load_templates() -> None:
    """Load all templates before workers are forked: later files may be of another release."""
    for engine in engines.all():
        for directory in map(Path, engine.template_dirs):
            for path in [*directory.glob("*.html"), *_below(directory)]:
                with suppress(TemplateDoesNotExist, TemplateSyntaxError):
                    engine.get_template(str(path.relative_to(directory)))


def _command(python: str, arguments: Sequence[str]) -> list[str]:
    """`-m gunicorn` again if so started: as a file, its folder would hide the module `http`."""
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
