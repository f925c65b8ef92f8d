"""This site as operators run it: gunicorn, with processes and an environment of its own."""

import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from tests.servers.forked import ForkedProcess
from tests.servers.ports import LOOPBACK, free_port
from tests.servers.process import ROOT, TAIL_LINES, Process, clean_environment, scratch

CONFIG = "project/gunicorn.conf.py"
APP = "project.wsgi"

recent: list["Site"] = []


class Site:
    """`with Site(env) as site: site.url`. The log outlives the site, for a failed test's report.

    PUBLIC_URL is this server's own address unless `env` names another, such as a proxy's.
    `root` is where the code lies, if it is not today's. Its processes come from the fork server,
    unless `forked` is off: then they start as an operator's do. `prefix` is a command that starts
    another, such as tests.servers.container's. `config` is gunicorn's.
    """

    def __init__(
        self,
        env: Mapping[str, str],
        *,
        workers: int = 2,
        port: int = 0,
        root: Path = ROOT,
        forked: bool = True,
        prefix: Sequence[str] = (),
        config: str = CONFIG,
    ) -> None:
        self.prefix = list(prefix)
        self.port = port or free_port()
        self.url = env.get("PUBLIC_URL") or f"http://localhost:{self.port}"
        own = {"PUBLIC_URL": self.url, "WEB_CONCURRENCY": str(workers), "PORT": str(self.port)}
        process = ForkedProcess if forked and not prefix else Process
        self.process = process(
            f"site on port {self.port}",
            [*self.prefix, *gunicorn(self.port, config)],
            env=clean_environment(**own | dict(env)),
            log=scratch("site") / "log",
            cwd=root,
        )
        recent.append(self)

    def start(self) -> Self:
        self.process.start()
        self.process.wait_until(lambda: answers(self.port))
        return self

    def stop(self) -> None:
        self.process.stop()

    def restart(self) -> None:
        self.stop()
        self.start()

    def workers(self) -> list[int]:
        """The process ids of the workers."""
        return self.process.children()

    def log(self) -> str:
        return self.process.log_text()

    def log_tail(self, lines: int = TAIL_LINES) -> str:
        """The end of the log, without the files that every page brings along."""
        telling = [line for line in self.log().splitlines() if "GET /static/" not in line]
        return "\n".join(telling[-lines:])

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        """At once: whoever is about how it ends calls `stop`."""
        self.process.kill()


def gunicorn(port: int, config: str = CONFIG, app: str = APP) -> list[str]:
    """The Procfile's command, on loopback."""
    command = [sys.executable, "-m", "gunicorn", "-c", config]
    return [*command, "--bind", f"{LOOPBACK}:{port}", app]


def answers(port: int) -> bool:
    """Whether a site on this port says that it serves."""
    try:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False
