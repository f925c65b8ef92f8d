"""A cluster of three by TLS, with a password or the site's identity, as Azure Managed Redis is one.

Its nodes tell their addresses, and their certificate holds one name for all of them.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from accounts.models import User
from tests.fixtures import StartSite
from tests.servers.guarded import GuardedRedis
from tests.servers.identity import OBJECT_ID, REDIS, IdentityEndpoint
from tests.servers.redis_cluster import RedisCluster
from tests.support.chains import Chain, chain
from tests.support.doctoring import doctor, found
from tests.support.tiny_server import eventually
from tests.support.visitor import LOGIN, Visitor

pytestmark = pytest.mark.django_db(transaction=True)
ANOTHER = "another-object-id"
RENEWED_SOON = 186.0  # seconds: Redis's token is renewed three minutes before it ends


@pytest.fixture
def certificate(tmp_path: Path) -> Chain:
    return chain(tmp_path, names=("127.0.0.1",))


@pytest.fixture
def cluster(certificate: Chain) -> Iterator[RedisCluster]:
    with RedisCluster(shown=certificate.shown) as started:
        yield started


def url_of(cluster: RedisCluster, certificate: Chain, options: str = "") -> str:
    return f"rediss://127.0.0.1:{cluster.tls_port}/0?ssl_ca_certs={certificate.root}{options}"


def several(url: str, count: int = 6) -> list[Visitor]:
    """As many as it takes for their keys to lie on all nodes."""
    User.objects.create_user("staff@contoso.example", is_superuser=True)
    visitors = [Visitor(url) for _ in range(count)]
    assert [visitor.sign_in().status for visitor in visitors] == [302] * count
    return visitors


def test_people_sign_in_and_doctor_has_no_complaint(
    start_site: StartSite, cluster: RedisCluster, certificate: Chain
) -> None:
    for node in cluster.nodes:
        node.client().config_set("appendonly", "yes")
    site = start_site(workers=1, REDIS_URL=url_of(cluster, certificate))
    assert all(visitor.is_in() for visitor in several(site.url))
    assert all(cluster.held()), "all on one node: nothing is shown"
    told = found(doctor(**site.process.env))
    assert {level for id_, level in told.items() if id_.startswith(("redis", "sess"))} <= {"note"}


def test_a_certificate_that_nobody_vouches_for_is_not_believed(
    start_site: StartSite, cluster: RedisCluster
) -> None:
    site = start_site(workers=1, REDIS_URL=f"rediss://127.0.0.1:{cluster.tls_port}/0")
    visitor = Visitor(site.url)
    assert visitor.submit(visitor.get(LOGIN)).reason == "session_store_unavailable"


@pytest.fixture
def endpoint() -> Iterator[IdentityEndpoint]:
    with IdentityEndpoint() as started:
        yield started


@pytest.fixture
def guarded(cluster: RedisCluster, endpoint: IdentityEndpoint) -> Iterator[list[GuardedRedis]]:
    """Each node lets in whom Entra vouches for."""
    nodes = [GuardedRedis(node) for node in cluster.nodes]

    def trust(object_id: str, token: str) -> None:
        for node in nodes:
            node.trust(object_id, token)

    endpoint.trusted_by(REDIS, trust)
    yield nodes
    for node in nodes:
        node.client.close()


def test_the_sites_identity_is_all_that_any_node_knows_and_is_renewed_on_each(
    start_site: StartSite,
    cluster: RedisCluster,
    certificate: Chain,
    endpoint: IdentityEndpoint,
    guarded: list[GuardedRedis],
) -> None:
    endpoint.life = RENEWED_SOON
    url = url_of(cluster, certificate, "&auth=entra")
    site = start_site(workers=1, REDIS_URL=url, **endpoint.environment)
    visitors = several(site.url)
    # A connection that is just being opened has yet to say who it is.
    assert eventually(lambda: all(node.knows_only(OBJECT_ID) for node in guarded))
    endpoint.object_id = ANOTHER
    endpoint.renew()
    assert eventually(lambda: all(node.knows_only(ANOTHER) for node in guarded), seconds=15)
    for node in guarded:
        node.client.acl_deluser(OBJECT_ID)
    assert all(visitor.is_in() for visitor in visitors)
