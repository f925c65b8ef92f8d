"""pytest fixtures for a site's own tests: a local Microsoft, and people who sign in with it.

def test_staff_get_in(entra, client, django_user_model):
    django_user_model.objects.create_user("sam", "staff@contoso.example", is_staff=True)
    assert entra.sign_in(client, "staff").status_code == 302

def test_a_guest_does_not(entra, client, db):
    assert entra.sign_in(client, "guest").reason == "guest_not_allowed"
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .people import Person
    from .server import Emulator

PUBLIC_URL = "http://testserver"  # as Django's test client names its host
# Where a site that carries the wheel keeps what its MICROSOFT_ADMIN says.
READ = "MICROSOFT_ADMIN_READ"
_REASON = re.compile(r'data-reason="([A-Za-z0-9_]+)"')


class Entra:
    """Microsoft on this machine, with a person for every outcome: see people.py, scenarios.py."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator

    def sign_in(self, client: Any, person: str = "staff", *, next: str = "") -> Any:
        """What the site answers when this person comes back; `reason` is "" or why not."""
        from .person import sign_in_as

        return self._back(client, sign_in_as(self.begin(client, next), person, quick=True))

    def meet(self, client: Any, error: str) -> Any:
        """What the site answers when Microsoft reports this error of scenarios.py."""
        from .person import meet

        return self._back(client, meet(self.begin(client), error, quick=True))

    def begin(self, client: Any, next: str = "") -> str:
        """Press the button: Microsoft's address, to which the browser is sent."""
        from django.urls import reverse

        answer = client.post(reverse("staff_login"), query_params={"next": next})
        assert answer.status_code == 302, f"The button answered {answer.status_code}."
        return str(answer.headers["Location"])

    def add(self, key: str, name: str = "", **fields: Any) -> Person:
        """One more person at Microsoft: email, preferred_username, oid, tid, claims and so on."""
        from .people import Person

        person = Person(key, name or key.title(), **fields)
        self.emulator.register_person(person)
        return person

    def _back(self, client: Any, callback: str) -> Any:
        parts = urlsplit(callback)
        answer = client.get(f"{parts.path}?{parts.query}")
        found = _REASON.search(answer.content.decode(errors="replace"))
        answer.reason = found[1] if found else ""
        return answer


@pytest.fixture(scope="session")
def entra_server() -> Iterator[Emulator]:
    """One emulator for all tests, on a free port of loopback."""
    from .server import Emulator

    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def entra(entra_server: Emulator, settings: Any) -> Entra:
    """The emulator as it is at first, and the site's settings pointing to it."""
    from .ids import CLIENT_ID, CLIENT_SECRET, TENANT

    entra_server.reset()
    values = {
        "PUBLIC_URL": PUBLIC_URL,
        "MICROSOFT_LOGIN_URL": entra_server.url,
        "MICROSOFT_TENANT_ID": TENANT,
        "MICROSOFT_ALLOWED_TENANTS": frozenset({TENANT}),
        "MICROSOFT_CLIENT_ID": CLIENT_ID,
        "MICROSOFT_CLIENT_SECRET": CLIENT_SECRET,
    }
    if (read := getattr(settings, READ, None)) is not None:
        setattr(settings, READ, {**read, **values})
    else:
        for name, value in values.items():
            setattr(settings, name, value)
    return Entra(entra_server)
