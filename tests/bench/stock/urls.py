from django.contrib import admin
from django.urls import include, path

from tests.bench.health import healthz

urlpatterns = [
    path("healthz", healthz),
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
]
