"""Admin's front page: `contents` is its cached context, `notices` what needs attention."""

from .contents import connect, context_for

__all__ = ["connect", "context_for"]
