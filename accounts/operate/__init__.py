"""What operators do, whether by command or in admin: people, sessions, the app, the record."""

from __future__ import annotations


class OperatorError(Exception):
    """What was asked for cannot be done, and the text says why; nothing was changed.

    `next_step` is what to type then, for whoever has a shell.
    """

    next_step = ""


def require_reason(reason: str) -> None:
    """Raises OperatorError where there is none: what changes an identity is explained."""
    if not reason.strip():
        raise OperatorError("Say why: a reason is needed (--reason TEXT).")
