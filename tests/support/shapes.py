"""A site in a shape of its own, and what doctor says of it."""

import re

from tests.servers.forked import run
from tests.servers.site import Site

SUMMARY = re.compile(r"All is well \(\d+ findings in (\d+\.\d) s\)\.")
LONGEST = 15.0  # seconds: it needs 2 to 4, and twice that beside other tests


def unhealthy(site: Site, *options: str) -> str:
    """What `doctor --online --url` has to say of a site that is to be healthy; "" for nothing.

    Its exit code, its last line and its time are a part of that.
    """
    command = ["manage.py", "doctor", "--online", "--url", *options]
    env: dict[str, str] = dict(site.process.env)
    done = run(*command, env=env, timeout=90, prefix=site.prefix)
    said = SUMMARY.fullmatch(done.stdout.rstrip().rpartition("\n")[2])
    if done.returncode or said is None or float(said[1]) > LONGEST:
        return f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    print(f"doctor took {said[1]} s")
    return ""
