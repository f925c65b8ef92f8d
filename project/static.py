"""Static files: hashed and compressed once `collectstatic` has run, as they are before that.

What it left behind may be another release's, or cut off by a full disk: a page then comes with a
style under its plain name, which the finders serve, and never fails for it. `check` tells of it.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

from django.conf import settings
from typing_extensions import override
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.storage import CompressedManifestStaticFilesStorage

logger = logging.getLogger(__name__)

_ADVICE = "run ./manage.py collectstatic --noinput for this release: %s"


class StaticFiles(CompressedManifestStaticFilesStorage):
    """Tests and first looks need no build step; hosts run `collectstatic` and get hashed names."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._names: dict[str, str] = {}  # each is looked up, and told of, once a process
        self._urls: dict[tuple[object, ...], str] = {}  # a page has a dozen
        super().__init__(*args, **options)  # type: ignore[no-untyped-call]

    @override
    def load_manifest(self) -> Any:
        """Both empty when there is none, or none that can be read."""
        try:
            return super().load_manifest()
        except (OSError, ValueError, AttributeError, TypeError) as problem:
            logger.error(_ADVICE, f"{self.manifest_name} cannot be read ({type(problem).__name__})")
            return {}, ""

    @override
    def stored_name(self, name: str) -> str:
        """The hashed name where there is one and its file, else the name as it is."""
        if name not in self._names:
            self._names[name] = self._looked_up(name) if self.hashed_files else name
        return self._names[name]

    @override
    def url(self, name: str | None, force: bool = False) -> str:
        key = (name, force, settings.DEBUG, self.base_url)
        if key not in self._urls:
            self._urls[key] = super().url(name, force)  # type: ignore[arg-type]
        return self._urls[key]

    def _looked_up(self, name: str) -> str:
        try:
            hashed = super().stored_name(name)
            if self.exists(hashed):
                return hashed
        except (ValueError, OSError, TypeError, AttributeError):
            pass
        logger.error(_ADVICE, f"{name} is missing from what was collected")
        return name


class StaticFilesMiddleware(WhiteNoiseMiddleware):
    """WhiteNoise, which need not be warned of a directory that is not built yet."""

    @override
    def add_files(self, root: str | os.PathLike[str], prefix: str | None = None) -> None:
        if Path(root).is_dir():
            super().add_files(root, prefix)  # type: ignore[no-untyped-call]
