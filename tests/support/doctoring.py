"""Ask doctor, in this process or as an operator does, about sites that are set up wrong."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from accounts.operate.doctor.finding import Finding, Observation, finding_of
from tests.support.operators import manage

PER_PROCESS = """
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
SESSION_ENGINE = "django.contrib.sessions.backends.cache"
"""


def by_id(found: Iterable[Finding | Observation]) -> dict[str, Finding]:
    """The findings by their ids."""
    return {finding.id: finding for finding in map(rendered, found)}


def bad(found: Iterable[Finding | Observation]) -> set[str]:
    """The ids of what is not well."""
    return {finding.id for finding in map(rendered, found) if finding.level != "ok"}


def rendered(found: Finding | Observation) -> Finding:
    """What a probe saw, in words."""
    return finding_of(found) if isinstance(found, Observation) else found


def settings_with(directory: Path, lines: str) -> dict[str, str]:
    """The environment of a site whose settings are the project's and then these lines."""
    text = f"from project.settings import *  # noqa: F403\n{lines}\n"
    (directory / "mistaken.py").write_text(text)
    return {"DJANGO_SETTINGS_MODULE": "mistaken", "PYTHONPATH": str(directory)}


def doctor(*words: str, **env: str) -> dict[str, Any]:
    """`./manage.py doctor WORDS --json` in a process of its own; with its exit code."""
    ended = manage("doctor", *words, "--json", **env)
    assert "Traceback" not in ended.stderr, ended.stderr
    document: dict[str, Any] = json.loads(ended.stdout)
    return document | {"exit": ended.returncode}


def found(document: dict[str, Any]) -> dict[str, str]:
    """The levels of all findings that are not well, by id."""
    return {each["id"]: each["level"] for each in document["findings"] if each["level"] != "ok"}
