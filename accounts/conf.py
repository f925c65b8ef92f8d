"""What the app is set to: `conf.STEP_UP`, whoever says so.

In this project the settings do, one each. In another site one dictionary does, MICROSOFT_ADMIN,
which `host.configure` has read: that site's own settings keep their names to themselves.
"""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings

READ: Final = "MICROSOFT_ADMIN_READ"  # where host.configure leaves what it has read
# Likewise the view of the site's own for forms that the CSRF check refuses.
CSRF_FAILURE_BEFORE: Final = "CSRF_FAILURE_VIEW_BEFORE"


class _Conf:
    def __getattr__(self, name: str) -> Any:
        """Raises AttributeError for what nobody has set."""
        read = getattr(settings, READ, None)
        if read and name in read:
            return read[name]
        return getattr(settings, name)


def is_a_host() -> bool:
    """Whether another site carries the app: its adapters, sessions and caches are its own."""
    return getattr(settings, READ, None) is not None


conf = _Conf()
