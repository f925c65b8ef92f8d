"""The app's settings: `conf.STEP_UP`.

In this project each is a Django setting. In another site they come from one dictionary,
MICROSOFT_ADMIN, as read by `host.configure`, so that they cannot clash with that site's settings.
"""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings

READ: Final = "MICROSOFT_ADMIN_READ"  # the setting in which host.configure stores the values
# Among them, the site's own CSRF_FAILURE_VIEW.
CSRF_FAILURE_BEFORE: Final = "CSRF_FAILURE_VIEW_BEFORE"


class _Conf:
    def __getattr__(self, name: str) -> Any:
        """Raises AttributeError for an unknown name."""
        read = getattr(settings, READ, None)
        if read and name in read:
            return read[name]
        return getattr(settings, name)


def is_a_host() -> bool:
    """Whether another site runs the app, with adapters, sessions and caches of its own."""
    return getattr(settings, READ, None) is not None


conf = _Conf()
