"""Whether the collected static files are this release's, by names and sizes, which is cheap."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders

_MANIFEST: Final = "staticfiles.json"


def is_collected() -> bool:
    """Whether `collectstatic` has run at all."""
    return bool(settings.STATIC_ROOT) and (_root() / _MANIFEST).exists()


def problem() -> str:
    """What is wrong with the collected files, in words; "" when nothing is."""
    try:
        paths = json.loads((_root() / _MANIFEST).read_text(encoding="utf-8"))["paths"]
        return next(_problems(paths), "")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return f"{_MANIFEST} cannot be read, or what it lists does not exist"


def _problems(paths: Mapping[str, str]) -> Iterator[str]:
    found = [entry for finder in get_finders() for entry in finder.list([])]
    for path, storage in found:
        name = f"{getattr(storage, 'prefix', None) or ''}{path}"
        if name not in paths:
            yield f"{name} is missing"
    for name in paths.values():
        if not (_root() / name).is_file():
            yield f"{name} does not exist"
    for path, storage in found:  # this project's own files change with each release
        is_own = path.startswith("microsoft_admin/")
        if is_own and (_root() / path).stat().st_size != storage.size(path):
            yield f"{path} is of another release"


def _root() -> Path:
    return Path(settings.STATIC_ROOT)
