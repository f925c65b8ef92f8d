"""A stock project with one package in it: made, set up, and served."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from typing_extensions import override

from tests.comparison.edits import Package
from tests.emulator.ids import CLIENT_SECRET
from tests.servers.ports import answers
from tests.servers.process import ROOT, Process
from tests.servers.pythons import uv

PORT = 8000
# A person with this address, as an administrator would add them.
ADD = """
from django.contrib.auth import get_user_model
users = get_user_model().objects
for name in ("staff@contoso.example", "guest@fabrikam.example", "other@fabrikam.example"):
    if not users.filter(email=name):
        users.create_user(name, name, is_staff=True)
"""


class Host:
    """`make` needs a network; `serve` does not."""

    def __init__(self, package: Package, place: Path) -> None:
        self.package, self.place = package, place / package.name.replace(" ", "-")
        self.python, self.pins = self.place / "env/bin/python", package.pins
        self.project = self.place / "site"

    def make(self) -> None:
        """Raises subprocess.CalledProcessError."""
        shutil.rmtree(self.project, ignore_errors=True)
        self.place.mkdir(parents=True, exist_ok=True)
        uv("venv", "--allow-existing", "--python", sys.executable, str(self.place / "env"))
        pins = ["django==5.2.*", *self.pins]
        uv("pip", "install", "--python", str(self.python), *pins)
        self.project.mkdir()
        self._run("-m", "django", "startproject", "mysite", ".")
        self._write()

    def _write(self) -> None:
        settings = self.project / "mysite/settings.py"
        text = settings.read_text()
        for old, new in self.package.replaced:
            assert old in text, old
            text = text.replace(old, new)
        settings.write_text(f"{text}\n{self.package.settings}")
        urls = self.project / "mysite/urls.py"
        urls.write_text(f"{urls.read_text()}\n{self.package.urls}")

    def prepare(self, trust: Path) -> None:
        """Tables and people. Raises subprocess.CalledProcessError."""
        (self.project / "db.sqlite3").unlink(missing_ok=True)
        self._run("manage.py", "migrate", "--verbosity", "0", trust=trust)
        self._run("manage.py", "shell", "--no-imports", "--command", ADD, trust=trust)

    def serve(self, trust: Path) -> Process:
        """Its development server, started."""
        command = [str(self.python), "manage.py", "runserver", "--noreload", f"127.0.0.1:{PORT}"]
        server = Process(self.package.name, command, env=self._env(trust), cwd=self.project)
        server.start()
        server.wait_until(lambda: answers(PORT))
        return server

    def version(self) -> str:
        """The package's own, as installed."""
        name = self.package.pins[0].partition("[")[0]
        code = f"from importlib.metadata import version; print(version('{name}'))"
        return self._run("-c", code)

    def _run(self, *words: str, trust: Path | None = None) -> str:
        ended = subprocess.run(
            [str(self.python), *words], cwd=self.project, env=self._env(trust),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if ended.returncode:
            raise RuntimeError(f"{self.package.name}: {' '.join(words)}\n{ended.stderr[-2000:]}")
        return ended.stdout.strip()

    def _env(self, trust: Path | None) -> dict[str, str]:
        env = {
            "PATH": os.environ["PATH"],
            "PYTHONUNBUFFERED": "1",
            "CLIENT_SECRET": CLIENT_SECRET,
        }
        if trust is not None:
            env |= {"SSL_CERT_FILE": str(trust), "REQUESTS_CA_BUNDLE": str(trust)}
        return env


class ThisProject(Host):
    """Ours is installed from the wheel that is built here."""

    @override
    def make(self) -> None:
        dist = self.place / "dist"
        shutil.rmtree(dist, ignore_errors=True)
        dist.mkdir(parents=True)
        pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "wheel"]
        words = ["--no-deps", "--no-build-isolation", "--wheel-dir", str(dist), str(ROOT)]
        subprocess.run([*pip, *words], check=True)
        self.pins = tuple(map(str, dist.glob("*.whl")))
        super().make()

    @override
    def version(self) -> str:
        return "this commit"
