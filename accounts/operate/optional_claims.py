"""The optional claims that this site uses with its settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ..conf import conf

_ALWAYS: Final = ("email", "acct", "sid", "login_hint")


def wanted() -> Iterator[str]:
    """Their names, to be added in Entra under Token configuration."""
    yield from _ALWAYS
    if len(conf.MICROSOFT_ALLOWED_TENANTS) > 1:
        yield "xms_edov"
    step_up = getattr(conf, "STEP_UP", "off")
    if step_up == "login":
        yield "auth_time"
    elif step_up != "off":
        yield "acrs"
