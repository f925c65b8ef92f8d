"""Loads a team's additions from the folder `extension/`, which no release contains.

See docs/extend.md. Each of its files is optional.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, Final

from project.variables import BASE_DIR

DIRECTORY: Final = BASE_DIR / "extension"


def settings() -> dict[str, Any]:
    """The settings in extension/settings.py, which may import ours: it is loaded last."""
    return {name: value for name, value in _read("settings").items() if name.isupper()}


def urls() -> list[Any]:
    """The `urlpatterns` of extension/urls.py."""
    return list(_read("urls").get("urlpatterns", []))


def folders(name: str) -> list[Path]:
    """extension/NAME, if it exists."""
    return [path for path in [DIRECTORY / name] if path.is_dir()]


def _read(name: str) -> dict[str, Any]:
    if not (DIRECTORY / f"{name}.py").is_file():
        return {}
    return vars(import_module(f"extension.{name}"))
