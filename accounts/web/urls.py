"""The URLs of the sign-in; nothing else under /accounts/ exists."""

from __future__ import annotations

from django.urls import path

from . import front_channel
from .callback import microsoft_callback
from .start import start

# Not allauth's names: another site may have its Microsoft provider as well, for its own people.
urlpatterns = [
    path("accounts/microsoft/login/", start, name="staff_login"),
    path("accounts/microsoft/login/callback/", microsoft_callback, name="staff_callback"),
    path("accounts/microsoft/logout/", front_channel.logout, name="staff_front_channel_logout"),
]
