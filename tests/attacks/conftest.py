"""One site for all attacks, with the same people at the start of each."""

from collections.abc import Iterator

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from accounts.models import User
from tests.attacks.scene import MODELS, PEOPLE, Scene
from tests.entra.server import Emulator
from tests.servers.redis import Redis
from tests.servers.site import Site


@pytest.fixture
def transactional_db(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """In place of pytest-django's, which truncates every table: a few rows go in no time."""
    with django_db_blocker.unblock():
        yield
        with connection.cursor() as cursor:
            cursor.execute('DELETE FROM "accounts_signin"')
            for model in reversed(MODELS):
                cursor.execute(f'DELETE FROM "{model._meta.db_table}"')  # noqa: S608


@pytest.fixture
def people(transactional_db: None) -> None:
    User.objects.bulk_create(User(email=email, **fields) for email, fields in PEOPLE.items())


@pytest.fixture
def scene(site: Site, emulator: Emulator, redis_server: Redis, people: None) -> Scene:
    return Scene(site, emulator, redis_server.client())
