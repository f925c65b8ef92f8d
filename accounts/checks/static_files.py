"""Whether what `collectstatic` left is this release's, by names and sizes, which cost little."""

from __future__ import annotations

import json
from collections.abc import Iterator
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
        missing = [name for name in _of_this_release() if name not in paths]
        lost = [name for name in paths.values() if not (_root() / name).is_file()]
        changed = [name for name, size in _sizes() if (_root() / name).stat().st_size != size]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return f"{_MANIFEST} cannot be read, or what it lists is not there"
    for names, what in ((missing, "is not among them"), (lost, "is lost"), (changed, "is another")):
        if names:
            return f"{names[0]} {what}"
    return ""


def _root() -> Path:
    return Path(settings.STATIC_ROOT)


def _of_this_release() -> Iterator[str]:
    for finder in get_finders():
        for path, storage in finder.list([]):
            yield f"{getattr(storage, 'prefix', None) or ''}{path}"


def _sizes() -> Iterator[tuple[str, int]]:
    """Of this project's own files, which change from release to release."""
    for finder in get_finders():
        for path, storage in finder.list([]):
            if path.startswith("microsoft_admin/"):
                yield path, storage.size(path)
