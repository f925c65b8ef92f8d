"""`make audit`: known vulnerabilities in what is pinned, and plainly whether anyone could be asked.

Exits 0 when nothing is known or the advisory service could not be asked, 1 on a finding, 2 when the
audit itself failed.
"""

import json
import subprocess
import sys
from collections.abc import Iterable
from typing import Any, NamedTuple

from tests.servers.process import ROOT

# dev.txt holds the pins of all that a server installs; the others are what tests install, and what
# a team has added (docs/extend.md).
REQUIREMENTS = ("requirements/dev.txt", "requirements/hosts.txt", "extension/requirements.txt")
# How pip-audit ends when nobody answered: requests' errors, or its own about the service.
_UNREACHABLE = ("requests.exceptions.", "pip_audit._service.interface.", "could not connect to")


class Verdict(NamedTuple):
    """What to print, and how to exit."""

    code: int
    text: str


def verdict(out: str, errors: str) -> Verdict:
    """What pip-audit's JSON, or its last words without any, mean."""
    try:
        packages: list[dict[str, Any]] = json.loads(out)["dependencies"]
    except (ValueError, KeyError):
        return _without_answer(errors)
    found = [f"  {line}" for package in packages for line in _vulnerabilities(package)]
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    looked_at = len(packages) - len(unknown)
    if found:
        return Verdict(1, "\n".join(["Known vulnerabilities in what is pinned:", *found]))
    if not looked_at:
        return _not_asked("the advisory service knows none of the packages (a mirror, perhaps)")
    told = f"No known vulnerability in {looked_at} packages."
    return Verdict(0, f"{told} NOT looked at: {', '.join(unknown)}." if unknown else told)


def _without_answer(errors: str) -> Verdict:
    last = next(reversed(errors.strip().splitlines()), "it said nothing")
    if any(mark.lower() in last.lower() for mark in _UNREACHABLE):
        return _not_asked(last.partition("(Caused by")[0].strip()[:200])
    return Verdict(2, f"The audit failed: {last}")


def _not_asked(why: str) -> Verdict:
    return Verdict(
        0,
        f"The advisory service could NOT be asked: {why}.\n"
        "Nothing is known about the pinned packages. Run `make audit` where pypi.org is reachable.",
    )


def _vulnerabilities(package: dict[str, Any]) -> Iterable[str]:
    for each in package.get("vulns", ()):
        versions = ", ".join(each["fix_versions"]) or "none yet"
        yield f"{package['name']} {package['version']}: {each['id']}, fixed in {versions}"


def main() -> int:
    there = [name for name in REQUIREMENTS if (ROOT / name).is_file()]
    files = [word for name in there for word in ("-r", name)]
    command = ["--require-hashes", "--disable-pip", "--progress-spinner", "off", "-f", "json"]
    ended = subprocess.run(
        [sys.executable, "-m", "pip_audit", *command, *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    code, text = verdict(ended.stdout, ended.stderr)
    print(text)
    return code


if __name__ == "__main__":
    sys.exit(main())
