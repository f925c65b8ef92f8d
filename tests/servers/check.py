"""`python -m tests.servers.check`: what Django checks, on a deployed site's settings."""

import subprocess
import sys

from tests.servers.environment import deployed_environment
from tests.servers.process import ROOT

CHECKS = (
    ("makemigrations", "--check", "--dry-run"),
    ("check", "--deploy", "--fail-level", "WARNING"),
)


def main() -> int:
    return max(_manage(*arguments) for arguments in CHECKS)


def _manage(*arguments: str) -> int:
    print(f"manage.py {' '.join(arguments)}", flush=True)
    # makemigrations warns that it found no database, of which it needs none.
    command = [sys.executable, "-W", "ignore::RuntimeWarning", "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=deployed_environment(), check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
