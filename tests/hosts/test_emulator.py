"""The emulator of the wheel, in a host's own development and tests."""

from __future__ import annotations

import re
import sys
import urllib.request

import pytest

from tests.hosts import edit
from tests.hosts.projects import Project
from tests.servers import forked
from tests.servers.forked import ForkedProcess
from tests.servers.ports import answers, free_port
from tests.servers.process import ROOT

# To the letter what docs/trying.md shows.
[EXAMPLES] = re.findall(r"```python\n(.*?)```", (ROOT / "docs/trying.md").read_text(), re.S)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = Project(tmp_path_factory.mktemp("emulator"))
    made.edit(edit.settings_for("http://localhost:8400", made.url), edit.urls())
    return made


def run(site: Project, *words: str) -> forked.Completed:
    return forked.run(*words, env=site.environment(), cwd=site.place)


def test_the_documented_tests_pass_as_a_hosts_own(site: Project) -> None:
    (site.place / "test_signing_in.py").write_text(EXAMPLES)
    without = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
    done = run(site, "-m", "pytest", "-q", *without, "--ds=mysite.settings")
    assert done.returncode == 0, done.stdout
    assert f"{EXAMPLES.count('def test_')} passed" in done.stdout


def test_the_command_runs_it_with_debug_only(site: Project) -> None:
    port = free_port()
    words = ["manage.py", "entra_emulator", "--port", str(port)]
    emulator = ForkedProcess(
        "The emulator", [sys.executable, *words], env=site.environment(), cwd=site.place
    )
    emulator.start()
    try:
        emulator.wait_until(lambda: answers(port))
        with urllib.request.urlopen(f"http://localhost:{port}/", timeout=10) as page:
            assert page.status == 200
    finally:
        emulator.stop()
    text = site.settings.read_text()
    site.settings.write_text(text.replace("DEBUG = True", "DEBUG = False", 1))
    refused = run(site, *words)
    site.settings.write_text(text)
    assert refused.returncode == 1
    assert "it signs anyone in" in refused.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com"])  # noqa: S104
def test_it_listens_on_loopback_only(site: Project, host: str) -> None:
    refused = run(site, "-m", "microsoft_admin_emulator", "--host", host, "--port", "0")
    assert refused.returncode == 1
    assert "does not listen on" in refused.stderr
