"""Where django-auth-adfs finds Microsoft: its own settings, at a local address."""

from django.conf import settings
from django_auth_adfs.config import Settings


class LocalSettings(Settings):
    """Its own settings, at another address than Microsoft's."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.SERVER = settings.LOCAL_MICROSOFT  # type: ignore[misc]
