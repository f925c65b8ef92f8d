"""Admin, the sign-in, and a team's own URLs (docs/extend.md)."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from project import extension

_extension_urls = extension.urls()
_has_admin = any(getattr(entry, "app_name", "") == "admin" for entry in _extension_urls)

urlpatterns = [
    *_extension_urls,
    path("", include("accounts.web.urls")),
    *([] if _has_admin else [path("admin/", admin.site.urls)]),
    path("", RedirectView.as_view(pattern_name="admin:index")),
]

handler400 = "accounts.web.errors.bad_request"
handler404 = "accounts.web.errors.not_found"
handler500 = "accounts.web.errors.server_error"
