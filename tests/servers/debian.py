"""`python -m tests.servers.debian`: the Debian packages that tests need, if missing.

Standard library only.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

# Chromium without what only a screen needs: half the processor time. Chromium does in its place.
HEADLESS = "chromium-headless-shell"
FONTS = Path("/usr/share/fonts/truetype")


def program(name: str) -> str | None:
    """Servers lie in sbin, which is not on everyone's PATH."""
    return shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")


PACKAGES: dict[str, Callable[[], bool]] = {
    HEADLESS: lambda: program(HEADLESS) is not None,
    "pgbouncer": lambda: program("pgbouncer") is not None,
    "systemd": lambda: program("systemd-analyze") is not None,
    "nginx-light": lambda: program("nginx") is not None,
    "fonts-liberation": lambda: any(FONTS.glob("liberation*")),
}


def main() -> int:
    missing = [name for name, present in PACKAGES.items() if not present()]
    if not missing:
        return 0
    if (prefix := _as_root()) is None or not _install(prefix, missing):
        if missing == [HEADLESS] and program("chromium"):
            return 0  # a release of Debian that has no such package
        print(f"Missing packages: sudo apt-get install {' '.join(missing)}", file=sys.stderr)
        return 1
    return 0


def _as_root() -> list[str] | None:
    """How to run apt-get: as we are, by sudo where it asks nothing, or not at all."""
    if program("apt-get") is None:
        return None
    if os.geteuid() == 0:
        return []
    sudo = ["sudo", "--non-interactive"]
    if program("sudo") and subprocess.run([*sudo, "true"], capture_output=True).returncode == 0:
        return sudo
    return None


def _install(prefix: list[str], packages: list[str]) -> bool:
    print(f"Installing {', '.join(packages)}", flush=True)
    # RUNLEVEL=1: the package's own nginx is not started where there is no systemd.
    settings = ["env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1"]
    apt = [*prefix, *settings, "apt-get", "-qq"]
    subprocess.run([*apt, "update"], check=False)
    install = [*apt, "install", "--yes", "--no-install-recommends", *packages]
    return subprocess.run(install, check=False, stdout=subprocess.DEVNULL).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
