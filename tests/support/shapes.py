"""A site in a shape of its own, and what doctor says of it."""

import json
import subprocess
import sys
from typing import Any

from tests.servers.process import ROOT
from tests.servers.site import Site

# The tests' own Redis keeps nothing over a restart, and nobody comes by TLS.
OF_THE_RIG = ("redis.persistence",)


def complaints(site: Site, *options: str) -> list[str]:
    """Every finding of `doctor --online --url` that is not well, with its words."""
    words = ["doctor", "--json", "--online", "--url", *options]
    command = [*site.prefix, sys.executable, "manage.py", *words]
    env: dict[str, str] = dict(site.process.env)
    done = subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=90
    )
    assert "Traceback" not in done.stderr, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    told = [each for each in document["findings"] if each["level"] not in ("ok", "info")]
    return [
        f"{each['id']}: {each['title']}. {each['detail']}"
        for each in told
        if each["id"] not in OF_THE_RIG
    ]
