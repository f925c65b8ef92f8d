"""What a site that has grown on this repository keeps passing, whatever it adds.

`pytest tests/grown`, with your `extension/` in place: nothing here knows what is in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.core import checks
from django.core.management import call_command
from django.test import Client

from accounts import staff_urls
from accounts.models import SignIn
from tests.emulator.person import sign_in_as
from tests.support.admins import let_in
from tests.support.visitor import START

if TYPE_CHECKING:
    from tests.emulator.server import Emulator

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client() -> Client:
    return Client(HTTP_HOST="testserver")


@pytest.fixture
def staff(transactional_db: None) -> object:
    return get_user_model().objects.create_superuser(email="staff@contoso.example")


def pages() -> list[str]:
    """Each admin site, and the list and form of each of its models."""
    found = []
    for site in staff_urls.admin_sites():
        for model, page in site._registry.items():
            base = f"{staff_urls.home()}{model._meta.app_label}/{model._meta.model_name}/"
            found += (
                [base] if page.get_urls() and site.name == staff_urls.admin_sites()[0].name else []
            )
    return [staff_urls.home(), *found]


def test_its_checks_are_clean() -> None:
    assert [each for each in checks.run_checks() if not each.is_silenced()] == []
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_staff_sign_in_and_come_back(client: Client, staff: object, emulator: Emulator) -> None:
    there = f"{staff_urls.home()}?from=test"
    shown = client.get(there, follow=True)
    assert b"microsoft-button" in shown.content
    url = client.post(shown.context["microsoft_login_url"]).headers["Location"]
    back = client.get(sign_in_as(url, "staff", quick=True))
    assert back.headers["Location"] == there
    assert client.get(staff_urls.home()).status_code == 200


def test_others_are_told_why_not(client: Client, emulator: Emulator) -> None:
    url = client.post(START).headers["Location"]
    answer = client.get(sign_in_as(url, "nobody", quick=True))
    assert answer.status_code == 403
    assert b'data-reason="unknown_user"' in answer.content
    assert SignIn.objects.get().reason == "unknown_user"


def test_a_session_by_other_code_opens_no_admin(client: Client, staff: object) -> None:
    client.force_login(staff)  # type: ignore[arg-type]
    assert client.get(staff_urls.home()).status_code == 302


def test_every_list_of_admin_answers(client: Client, staff: object) -> None:
    let_in(client, staff)
    statuses = {path: client.get(path).status_code for path in pages()}
    assert {path: status for path, status in statuses.items() if status != 200} == {}
    assert apps.is_installed("accounts")
