"""One stage a fault, on a shared site where the fault allows it."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from allauth.socialaccount.models import SocialAccount, SocialApp
from django.conf import settings
from django.db import connections
from pytest_django import DjangoDbBlocker

from accounts.models import SignIn, User
from tests.conftest import ENVIRONMENT, POSTGRES
from tests.entra.server import Emulator
from tests.faults.stage import Stage
from tests.servers.site import Site

PEOPLE = ("staff@contoso.example", "editor@contoso.example", "guest@fabrikam.example")


@pytest.fixture
def transactional_db(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The same people each time; rows are deleted, far faster than truncating all tables."""
    with django_db_blocker.unblock():
        User.objects.bulk_create(
            User(email=email, is_staff=True, is_superuser=email == PEOPLE[0]) for email in PEOPLE
        )
        yield
        connections.close_all()  # a fault may have ended the server meanwhile
        for model in (SignIn, SocialAccount, SocialApp, User):
            model.objects.all().delete()


@pytest.fixture
def stage(_site: Site, emulator: Emulator, transactional_db: None) -> Iterator[Stage]:
    own = {name: value for name, value in ENVIRONMENT.items() if name != "PUBLIC_URL"}
    database = POSTGRES.url_of(str(settings.DATABASES["default"]["NAME"]))
    with ExitStack() as stack:
        yield Stage(_site, emulator, own | {"DATABASE_URL": database}, stack)
