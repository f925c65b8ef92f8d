"""The URLs of the sign-in: `path("", include("….urls"))` at the root of a site's."""

from __future__ import annotations

from .web.urls import urlpatterns

__all__ = ["urlpatterns"]
