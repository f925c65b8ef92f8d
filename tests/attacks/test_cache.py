"""Someone who can write to Redis: takes entries away, puts others there, and gains nothing.

CWE-345 (insufficient verification of data authenticity), CWE-349; OWASP ASVS 5.0, 13.2.
"""

from collections.abc import Callable

import pytest
from redis import Redis as Client

from accounts.models import SignIn, TenantOfDomain
from tests.attacks.scene import Scene
from tests.servers.redis import Redis
from tests.servers.site import Site
from tests.support.visitor import Visitor

StartSite = Callable[..., Site]


def junk(redis: Client, name: bytes) -> None:
    redis.set(name, "junk")


def json(redis: Client, name: bytes) -> None:
    redis.set(name, '{"version": 1, "fetched_at": 9999999999, "keys": []}')


def another_type(redis: Client, name: bytes) -> None:
    redis.delete(name)
    redis.rpush(name, "x")


def a_number_for_ever(redis: Client, name: bytes) -> None:
    redis.set(name, 10**15)


@pytest.mark.parametrize("write", [junk, json, another_type, a_number_for_ever])
def test_one_write_over_everything_stops_no_sign_in(
    start_site: StartSite, scene: Scene, redis_server: Redis, write: Callable[[Client, bytes], None]
) -> None:
    """Neither in the processes that run nor, through a restart, in the next ones."""
    scene.let_in("editor")
    for name in redis_server.client().scan_iter("*"):
        write(redis_server.client(), name)
    home = f"{scene.site.url}/admin/"
    assert Visitor(scene.site.url).sign_in("editor").location == home
    after = start_site(workers=1)
    assert Visitor(after.url).sign_in("editor").location == f"{after.url}/admin/"


def test_a_domain_that_becomes_another_tenants_lets_nobody_in(
    start_site: StartSite, scene: Scene
) -> None:
    """The genuine metadata of the other tenant, from Microsoft itself."""
    name = f"{scene.emulator.url}/contoso.example"
    before = {"tid": "99999999-9999-4999-8999-999999999999"}
    kept, _ = TenantOfDomain.objects.update_or_create(name=name, defaults=before)
    try:
        site = start_site(workers=1, MICROSOFT_TENANT_ID="contoso.example")
        page = Scene(site, scene.emulator, scene.redis).sign_in("editor")
        assert page.reason == "misconfigured"
        row = SignIn.objects.get(reference=page.reference)
        assert "99999999-9999-4999-8999-999999999999 when it was first used" in row.detail
        assert "set MICROSOFT_TENANT_ID" in row.detail
    finally:
        kept.delete()
