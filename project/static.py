"""Static files: hashed and compressed after `collectstatic`, plain before it.

Collected files may be of another release, or truncated by a full disk. A page then links to the
plain name, which the finders serve, instead of failing. `check` warns of it.
"""

from __future__ import annotations

import logging
import os
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.functional import SimpleLazyObject
from typing_extensions import override
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.storage import CompressedManifestStaticFilesStorage

logger = logging.getLogger(__name__)

_ADVICE = "run ./manage.py collectstatic --noinput for this release: %s"


class StaticFiles(CompressedManifestStaticFilesStorage):
    """WhiteNoise's, which falls back to plain names and needs no build step."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._urls: dict[tuple[object, ...], str] = {}  # a page has a dozen
        super().__init__(*args, **options)  # type: ignore[no-untyped-call]

    @override
    def load_manifest(self) -> Any:
        """Empty if there is no manifest, or it cannot be read."""
        try:
            return super().load_manifest()
        except (OSError, ValueError, AttributeError, TypeError) as problem:
            logger.error(_ADVICE, f"{self.manifest_name} cannot be read ({type(problem).__name__})")
            return {}, ""

    @override
    def stored_name(self, name: str) -> str:
        """The hashed name if its file exists, else the plain name."""
        if not self.hashed_files:
            return name
        try:
            hashed: str = super().stored_name(name)
            if self.exists(hashed):
                return hashed
        except (ValueError, OSError, TypeError, AttributeError):
            pass
        logger.error(_ADVICE, f"{name} is missing from what was collected")
        return name

    @override
    def url(self, name: str | None, force: bool = False) -> str:
        """Cached, so that each file is looked up, and logged if missing, once a process."""
        key = (name, force, settings.DEBUG, self.base_url)
        if key not in self._urls:
            self._urls[key] = super().url(name, force)  # type: ignore[arg-type]
        return self._urls[key]


class StaticFilesMiddleware(WhiteNoiseMiddleware):
    """WhiteNoise's, without its warning before the first `collectstatic`.

    A file's headers are made when it is first asked for: all of them are half of a start.
    """

    @override
    def add_files(self, root: str | os.PathLike[str], prefix: str | None = None) -> None:
        if Path(root).is_dir():
            super().add_files(root, prefix)  # type: ignore[no-untyped-call]

    @override
    def get_static_file(self, path: str, url: str, stat_cache: Any = None) -> Any:
        make = partial(super().get_static_file, path, url, stat_cache)
        return make() if stat_cache is None else SimpleLazyObject(make)
