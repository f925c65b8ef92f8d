"""A Django project of somebody else: made by `startproject`, edited, migrated, served.

It runs with the packages pinned here and with the built wheel, unpacked beside it: nothing of this
repository is on its path.
"""

from __future__ import annotations

import json
import shutil
import sys
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import requests
from typing_extensions import override

from tests.servers import forked
from tests.servers.forked import ForkedProcess
from tests.servers.once import once
from tests.servers.ports import answers, free_port
from tests.servers.process import clean_environment
from tests.servers.tls import one_authority

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SERVE = Path(__file__).with_name("serve.py")


def wheel() -> Path:
    """The built wheel, unpacked: once for a test run."""
    return once("wheel", _build)


def _build(directory: Path) -> None:
    """By the backend that pyproject.toml names, as pip calls it."""
    build = f"from hatchling.build import build_wheel; build_wheel({str(directory)!r})"
    built = forked.run("-c", build, env=clean_environment())
    assert built.returncode == 0, built.stderr
    [packed] = directory.glob("*.whl")
    with zipfile.ZipFile(packed) as files:
        files.extractall(directory)
    packed.unlink()


def _startproject(directory: Path) -> None:
    words = ("-m", "django", "startproject", "mysite", ".")
    started = forked.run(*words, env=clean_environment(), cwd=directory)
    assert started.returncode == 0, started.stderr


class Project:
    """`with_wheel` off: before anything of ours is there."""

    def __init__(
        self, place: Path, *, with_wheel: bool = True, env: Mapping[str, str] | None = None
    ) -> None:
        self.place, self.with_wheel, self.env = place / "host", with_wheel, dict(env or {})
        self.port = free_port()
        shutil.copytree(once("startproject", _startproject), self.place)
        self.settings = self.place / "mysite/settings.py"
        self.urls = self.place / "mysite/urls.py"
        self._stock = {path: path.read_text() for path in (self.settings, self.urls)}

    @property
    def url(self) -> str:
        """Its origin."""
        return f"http://localhost:{self.port}"

    def edit(
        self, settings: str = "", urls: str = "", replaced: Sequence[tuple[str, str]] = ()
    ) -> None:
        """What a developer writes into the files that startproject made; what was before goes."""
        text = self._stock[self.settings]
        for old, new in replaced:
            assert old in text, old
            text = text.replace(old, new)
        self.settings.write_text(f"{text}\n{settings}")
        self.urls.write_text(f"{self._stock[self.urls]}\n{urls}")

    def add(self, files: Mapping[str, str]) -> None:
        """Files of its own."""
        for name, text in files.items():
            path = self.place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def manage(self, *words: str, stdin: str = "") -> str:
        """`./manage.py WORDS`; its output. Fails the test when the command does."""
        return self.python("manage.py", *words, stdin=stdin)

    def python(self, *words: str, stdin: str = "") -> str:
        """Likewise `python WORDS`."""
        ended = forked.run(*words, env=self.environment(), cwd=self.place, stdin=stdin)
        assert ended.returncode == 0, f"{' '.join(words)}\n{ended.stdout}{ended.stderr}"
        return ended.stdout

    @contextmanager
    def serve(self) -> Iterator[None]:
        """Its development server."""
        words = ["manage.py", "runserver", "--noreload", f"{self.port}"]
        with self.process(words):
            yield

    @contextmanager
    def process(self, words: Sequence[str]) -> Iterator[None]:
        """`python WORDS`, until the end of the block; it listens once it is there."""
        process = ForkedProcess(
            "A host",
            [sys.executable, *words],
            env=self.environment(),
            cwd=self.place,
            log=self.place / "server.log",
        )
        process.start()
        try:
            process.wait_until(lambda: answers(self.port))
            yield
        finally:
            process.stop()

    def log(self) -> str:
        """What its server has written."""
        path = self.place / "server.log"
        return path.read_text() if path.exists() else ""

    def environment(self) -> dict[str, str]:
        """Development, as on a laptop: no variable of ours but the path."""
        path = str(wheel()) if self.with_wheel else ""
        return clean_environment(PYTHONPATH=path, SSL_CERT_FILE=one_authority(), **self.env)


class Served(Project):
    """One that is served, after it was prepared, by the process that runs its commands, too."""

    @contextmanager
    def prepared(self) -> Iterator[None]:
        with self.process([str(SERVE), "prepare", f"{self.port}"]):
            yield

    @override
    @contextmanager
    def serve(self) -> Iterator[None]:
        with self.process([str(SERVE), f"{self.port}"]):
            yield

    @override
    def manage(self, *words: str, stdin: str = "") -> str:
        asked = requests.post(f"{self.url}/-/manage", data=json.dumps(words), timeout=60)
        status, out, errors = asked.json()
        assert status == 0, f"{' '.join(words)}\n{out}{errors}"
        return str(out)


class Deployed(Project):
    """One that gunicorn serves by two workers; its commands are processes of their own."""

    @contextmanager
    def prepared(self) -> Iterator[None]:
        self.python(str(SERVE), "prepare", "collectstatic")
        words = ["-m", "gunicorn", "mysite.wsgi", "--no-control-socket", "--workers", "2"]
        with self.process([*words, "--bind", f"127.0.0.1:{self.port}"]):
            yield
