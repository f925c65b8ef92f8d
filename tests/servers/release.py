"""The code of one release in a directory of its own, to be migrated and served beside another."""

import io
import shutil
import subprocess
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.servers import forked
from tests.servers.process import ROOT, clean_environment, scratch

# What a site is run from; tests and documents are not.
PARTS = ("accounts", "locale", "project", "templates", "manage.py")
MIGRATIONS = "accounts/migrations"


class NoHistory(Exception):
    """git does not have what was asked for: a tarball, or a shallow clone."""


@dataclass(frozen=True, slots=True)
class Release:
    name: str
    root: Path

    def manage(self, env: Mapping[str, str], *arguments: str) -> str:
        ended = forked.run("manage.py", *arguments, env=clean_environment(**env), cwd=self.root)
        assert ended.returncode == 0, f"{self.name}: {ended.stdout}{ended.stderr}"
        return ended.stdout


TODAY = Release("today", ROOT)


def newest_migration() -> str:
    return max(path.stem for path in (ROOT / MIGRATIONS).glob("0*.py"))


def commit_before_the_newest_migration() -> str:
    """The latest with fewer migrations than today, HEAD while the newest is not committed.

    A commit between two branches may have two with one number, on which nothing can run.
    """
    today = {path.name for path in (ROOT / MIGRATIONS).glob("0*.py")}
    for commit in _git("rev-list", "--max-count=500", "HEAD").decode().split():
        names = set(_migrations_of(commit))
        if names < today and len({name[:4] for name in names}) == len(names):
            return commit
    raise NoHistory("no commit has fewer migrations")


def _migrations_of(commit: str) -> list[str]:
    listed = _git("ls-tree", "--name-only", f"{commit}:{MIGRATIONS}").decode().split()
    return [name for name in listed if name.startswith("0")]


def release_of(commit: str) -> Release:
    root = scratch("release-before")
    archive = _git("archive", "--format=zip", commit, *PARTS)
    zipfile.ZipFile(io.BytesIO(archive)).extractall(root)
    return Release(commit, root)


def copy_of_today(name: str) -> Release:
    """Today's code, for a test to write the next release's into."""
    root = scratch("release-next")
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, root / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / part, root / part)
    return Release(name, root)


def _git(*arguments: str) -> bytes:
    try:
        ended = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)
    except FileNotFoundError:
        raise NoHistory("git is not installed") from None
    if ended.returncode:
        raise NoHistory(ended.stderr.decode().strip())
    return ended.stdout
