"""Static files: hashed and compressed once `collectstatic` has run, as they are before that."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from typing_extensions import override
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.storage import CompressedManifestStaticFilesStorage

if TYPE_CHECKING:
    import os


class StaticFiles(CompressedManifestStaticFilesStorage):
    """Tests and first looks need no build step; hosts run `collectstatic` and get hashed names."""

    @override
    def stored_name(self, name: str) -> str:
        """The hashed name, when there is a manifest."""
        return super().stored_name(name) if self.hashed_files else name


class StaticFilesMiddleware(WhiteNoiseMiddleware):
    """WhiteNoise, which need not be warned of a directory that is not built yet."""

    @override
    def add_files(self, root: str | os.PathLike[str], prefix: str | None = None) -> None:
        if Path(root).is_dir():
            super().add_files(root, prefix)  # type: ignore[no-untyped-call]
