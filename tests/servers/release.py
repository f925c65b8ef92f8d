"""The code of one release in a directory of its own, to be migrated and served beside another."""

import io
import shutil
import subprocess
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
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


@cache
def commit_before_the_newest_migration() -> str:
    """The latest with fewer migrations than today, HEAD while the newest is not committed.

    A commit between two branches may have two with one number, on which nothing can run.
    """
    today = {path.name for path in (ROOT / MIGRATIONS).glob("0*.py")}
    commits = _git("rev-list", "--max-count=5000", "HEAD").decode().split()
    asked = "".join(f"{commit}:{MIGRATIONS}\n" for commit in commits)
    trees = _git("cat-file", "--batch-check=%(objectname)", given=asked).decode().splitlines()
    for commit, tree in zip(commits, trees, strict=True):
        names = _migrations_in(tree)
        if names < today and len({name[:4] for name in names}) == len(names):
            return commit
    raise NoHistory("no commit has fewer migrations")


@cache  # most commits have those of the commit before
def _migrations_in(tree: str) -> frozenset[str]:
    listed = _git("ls-tree", "--name-only", tree).decode().split()
    return frozenset(name for name in listed if name.startswith("0"))


def release_of(commit: str) -> Release:
    root = scratch("release-before")
    archive = _git("archive", "--format=zip", commit, *PARTS)
    zipfile.ZipFile(io.BytesIO(archive)).extractall(root)
    return Release(commit, root)


def copy_of_today(name: str) -> Release:
    """Today's code, compiled, for a test to write the next release's into."""
    root = scratch("release-next")
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, root / part)
        else:
            shutil.copy(ROOT / part, root / part)
    return Release(name, root)


def _git(*arguments: str, given: str = "") -> bytes:
    command = ["git", *arguments]
    try:
        ended = subprocess.run(
            command, cwd=ROOT, input=given.encode(), capture_output=True, check=False
        )
    except FileNotFoundError:
        raise NoHistory("git is not installed") from None
    if ended.returncode:
        raise NoHistory(ended.stderr.decode().strip())
    return ended.stdout
