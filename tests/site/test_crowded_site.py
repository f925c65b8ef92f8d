"""In a site with every other door: none opens admin, and all that was there before answers."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping

import pytest

from tests.emulator.server import Emulator
from tests.servers.process import ROOT, clean_environment
from tests.support import crowded_site

ROWS = [name for name in vars(crowded_site) if name.startswith("row_")]


@pytest.fixture(scope="module")
def told() -> Mapping[str, str]:
    """What failed, by row: all of them run in one process."""
    with Emulator() as entra:
        env = clean_environment(LOGIN_URL=entra.url, PYTHONPATH=os.fspath(ROOT))
        command = [sys.executable, "-m", "tests.support.crowded_site"]
        ended = subprocess.run(
            command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=100
        )
    assert ended.returncode == 0, ended.stderr
    found: dict[str, str] = json.loads(ended.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("row", ROWS)
def test_row(row: str, told: Mapping[str, str]) -> None:
    assert told[row] == "", told[row]
