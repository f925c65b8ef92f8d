"""Admin's front page: `contents` is all that stands there, `notices` what needs attention."""

from .contents import connect, shown_to

__all__ = ["connect", "shown_to"]
