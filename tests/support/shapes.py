"""A site in a shape of its own, and what doctor says of it."""

import re
import subprocess
import sys

from tests.servers.forked import run
from tests.servers.process import ROOT
from tests.servers.site import Site

SUMMARY = re.compile(r"All is well \(\d+ findings in (\d+\.\d) s\)\.")
LONGEST = 15.0  # seconds: it needs 2 to 4, and twice that beside other tests


def unhealthy(site: Site, *options: str) -> str:
    """What `doctor --online --url` has to say of a site that is to be healthy; "" for nothing.

    Its exit code, its last line and its time are a part of that.
    """
    command = ["manage.py", "doctor", "--online", "--url", *options]
    env: dict[str, str] = dict(site.process.env)
    if site.prefix:
        done = subprocess.run(
            [*site.prefix, sys.executable, *command],
            cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=90,
        )  # fmt: skip
    else:
        done = run(*command, env=env, timeout=90)
    said = SUMMARY.fullmatch(done.stdout.rstrip().rpartition("\n")[2])
    if done.returncode or said is None or float(said[1]) > LONGEST:
        return f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    print(f"doctor took {said[1]} s")
    return ""
