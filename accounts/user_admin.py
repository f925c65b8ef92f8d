"""What another site's user admin takes: `from microsoft_admin.user_admin import …`."""

from __future__ import annotations

from .admin.people.mixin import MicrosoftUserAdminMixin

__all__ = ["MicrosoftUserAdminMixin"]
