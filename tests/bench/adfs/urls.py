"""Its views at the addresses that the local Microsoft's registration names."""

from django.contrib import admin
from django.urls import include, path
from django_auth_adfs.views import OAuth2CallbackView, OAuth2LoginView

from tests.bench.health import healthz

views = [
    path("", OAuth2LoginView.as_view(), name="login"),
    path("callback/", OAuth2CallbackView.as_view(), name="callback"),
]
urlpatterns = [
    path("healthz", healthz),
    path("admin/", admin.site.urls),
    path("accounts/microsoft/login/", include((views, "django_auth_adfs"))),
]
