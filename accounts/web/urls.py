"""The URLs of the sign-in; nothing else under /accounts/ exists."""

from __future__ import annotations

from django.urls import path

from . import front_channel
from .callback import microsoft_callback
from .start import start

urlpatterns = [
    path("accounts/microsoft/login/", start, name="microsoft_login"),
    path("accounts/microsoft/login/callback/", microsoft_callback, name="microsoft_callback"),
    path("accounts/microsoft/logout/", front_channel.logout, name="microsoft_front_channel_logout"),
]
