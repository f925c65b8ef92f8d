"""A Django project of somebody else: made by `startproject`, edited, migrated, served.

It runs with the packages pinned here and with the built wheel, unpacked beside it: nothing of this
repository is on its path.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING, Self

from tests.servers.once import once
from tests.servers.ports import answers, free_port
from tests.servers.process import ROOT, Process, clean_environment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def wheel() -> Path:
    """The built wheel, unpacked: once for a test run."""
    return once("wheel", _build)


def _build(directory: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "wheel"]
    words = ["--no-deps", "--no-build-isolation", "--wheel-dir", str(directory), str(ROOT)]
    subprocess.run([*pip, *words], check=True, capture_output=True)
    [built] = directory.glob("*.whl")
    with zipfile.ZipFile(built) as packed:
        packed.extractall(directory)
    built.unlink()


class Project:
    """`with_wheel` off: before anything of ours is there."""

    def __init__(self, place: Path, *, with_wheel: bool = True) -> None:
        self.place, self.with_wheel = place / "host", with_wheel
        self.port = free_port()
        self.place.mkdir(parents=True)
        self._run("-m", "django", "startproject", "mysite", ".")
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

    def manage(self, *words: str, stdin: str = "") -> str:
        """`./manage.py WORDS`; its output. Fails the test when the command does."""
        return self._run("manage.py", *words, stdin=stdin)

    def serve(self) -> Serving:
        """`with project.serve(): ...`"""
        return Serving(self)

    def log(self) -> str:
        """What its server has written."""
        path = self.place / "server.log"
        return path.read_text() if path.exists() else ""

    def environment(self) -> dict[str, str]:
        """Development, as on a laptop: no variable of ours but the path."""
        path = str(wheel()) if self.with_wheel else ""
        return clean_environment(PYTHONPATH=path, PYTHONUNBUFFERED="1")

    def _run(self, *words: str, stdin: str = "") -> str:
        env = self.environment() if words[0] == "manage.py" else clean_environment()
        ended = subprocess.run(
            [sys.executable, *words], cwd=self.place, env=env, input=stdin,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert ended.returncode == 0, f"{' '.join(words)}\n{ended.stdout}{ended.stderr}"
        return ended.stdout


class Serving:
    """Its development server."""

    def __init__(self, project: Project) -> None:
        command = [sys.executable, "manage.py", "runserver", "--noreload", f"{project.port}"]
        self._port, self.log = project.port, project.place / "server.log"
        self._process = Process(
            "A host", command, env=project.environment(), cwd=project.place, log=self.log
        )

    def __enter__(self) -> Self:
        self._process.start()
        self._process.wait_until(lambda: answers(self._port))
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stop()
