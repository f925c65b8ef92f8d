"""A site that has grown on this repository: its files, and the process that serves it."""

import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.forked import ForkedProcess
from tests.servers.ports import free_port
from tests.servers.process import ROOT, clean_environment, scratch
from tests.servers.tls import one_authority

SERVE = ROOT / "tests/recipes/serve.py"
_AS_THEY_ARE = ("accounts", "templates", "locale")


@dataclass(frozen=True)
class Grown:
    """`url` answers; `process` has the log; `folder` is the checkout."""

    url: str
    process: ForkedProcess
    folder: Path


@contextmanager
def grown(files: Mapping[str, str], env: Mapping[str, str]) -> Iterator[Grown]:
    """This repository with these files added, served until the end of the block."""
    folder = scratch("grown")
    for name in _AS_THEY_ARE:
        (folder / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "project", folder / "project")
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    for package in {(folder / path).parent for path in files if path.endswith(".py")}:
        (package / "__init__.py").touch()
    port = free_port()
    url = f"http://localhost:{port}"
    process = ForkedProcess(
        f"grown site on port {port}",
        [sys.executable, str(SERVE), str(port)],
        env=clean_environment(
            **{**env, "PUBLIC_URL": url},
            DJANGO_SETTINGS_MODULE="project.settings",
            SSL_CERT_FILE=one_authority(),
        ),
        log=folder / "log",
        cwd=folder,
    )
    process.start()
    try:
        process.wait_until((folder / "ready").exists)
        yield Grown(url, process, folder)
    finally:
        process.stop()
