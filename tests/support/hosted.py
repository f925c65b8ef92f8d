"""This process as another site that carries the app: its settings come from MICROSOFT_ADMIN."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.test import override_settings

from accounts import host
from accounts.conf import READ
from accounts.display.naming import DICTIONARY
from tests.emulator.ids import CLIENT_ID, CLIENT_SECRET, TENANT

OWN = {"TENANT_ID": TENANT, "CLIENT_ID": CLIENT_ID, "CLIENT_SECRET": CLIENT_SECRET}
NAME = "staff.example.com"


@contextmanager
def hosted(given: dict[str, Any] | None = None, **settings: Any) -> Iterator[dict[str, Any]]:
    """`given` is what its dictionary says; gives what was read of it."""
    theirs = {"ALLOWED_HOSTS": [NAME], **settings}
    read = host._read({**theirs, DICTIONARY: {**OWN, **(given or {})}})
    with override_settings(**theirs, **{READ: read}):
        yield read
