"""Admin, the sign-in, and nothing else."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from accounts.web import health

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("", include("accounts.web.urls")),
    path("admin/", admin.site.urls),
    # HealthMiddleware answers these before any other part is asked; here they get their names.
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]

handler400 = "accounts.web.errors.bad_request"
handler404 = "accounts.web.errors.not_found"
handler500 = "accounts.web.errors.server_error"
