"""The two URLs of the sign-in; nothing else under /accounts/ exists."""

from __future__ import annotations

from django.urls import path

from accounts.web import views

urlpatterns = [
    path("accounts/microsoft/login/", views.start, name="microsoft_login"),
    path(
        "accounts/microsoft/login/callback/", views.microsoft_callback, name="microsoft_callback"
    ),
]
