"""A popup's pages, and its sign-in's, have no opener policy; all others do (HTML Standard)."""

import pytest
from django.test import Client

from accounts.models import User
from tests.emulator.person import sign_in_as
from tests.emulator.server import Emulator
from tests.support.visitor import LOGIN, START

pytestmark = pytest.mark.django_db(transaction=True)
POPUP = "/admin/auth/group/add/?_to_field=id&_popup=1"
NEXT = "next=/admin/auth/group/add/%3F_to_field%3Did%26_popup%3D1"


def policy(response: object) -> str:
    return str(response.headers["Cross-Origin-Opener-Policy"])  # type: ignore[attr-defined]


def test_a_popup_goes_by_microsoft_and_keeps_its_opener(emulator: Emulator, db: None) -> None:
    User.objects.create_superuser("staff@contoso.example")
    client = Client(HTTP_HOST="testserver")
    pages = [client.get(POPUP), client.get(f"{LOGIN}?{NEXT}")]
    pages.append(client.post(f"{START}?{NEXT}"))
    pages.append(client.get(sign_in_as(pages[-1].headers["Location"], "staff", quick=True)))
    assert pages[-1].headers["Location"] == POPUP
    assert {policy(page) for page in [*pages, client.get(POPUP)]} == {"unsafe-none"}


@pytest.mark.parametrize("path", [LOGIN, "/admin/", START, "/nowhere/"])
def test_other_pages_keep_theirs(path: str, db: None) -> None:
    assert policy(Client(HTTP_HOST="testserver").get(path)) == "same-origin-allow-popups"
