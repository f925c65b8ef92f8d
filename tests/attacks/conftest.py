"""One site for all attacks, with the same people at the start of each."""

from collections.abc import Iterator

import pytest

from accounts.models import User
from tests.attacks.scene import PEOPLE, Scene
from tests.emulator.server import Emulator
from tests.fixtures import _shared
from tests.servers.redis import Redis
from tests.servers.site import Site
from tests.support import site_keys


@pytest.fixture
def people(transactional_db: None) -> None:
    User.objects.bulk_create(User(email=email, **fields) for email, fields in PEOPLE.items())


@pytest.fixture
def scene(site: Site, emulator: Emulator, redis_server: Redis, people: None) -> Scene:
    return Scene(site, emulator, redis_server.client())


@pytest.fixture(scope="package")
def _lone_site(django_db_setup: None, _emulator: Emulator) -> Iterator[Site]:
    with Site(_shared(), workers=1) as started:
        yield started


@pytest.fixture
def lone_scene(_lone_site: Site, emulator: Emulator, redis_server: Redis, people: None) -> Scene:
    """One worker: what an attack leaves in its memory is what people meet next."""
    return Scene(site_keys.follow(_lone_site), emulator, redis_server.client())


@pytest.fixture(scope="package")
def _cold_site(django_db_setup: None, _emulator: Emulator) -> Iterator[Site]:
    """Its name for the tenant is its own, so nobody has filled the shared cache for it."""
    with Site(_shared() | {"MICROSOFT_TENANT_ID": "contoso.example"}, workers=1) as started:
        yield started


@pytest.fixture
def cold_scene(_cold_site: Site, scene: Scene) -> Scene:
    """A site that has not reached Microsoft yet, and stays so while each attempt fails."""
    return Scene(site_keys.follow(_cold_site), scene.emulator, scene.redis, calm_site=scene.site)
