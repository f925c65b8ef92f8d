"""Redis by TLS: what REDIS_URL says is verified, one server or Sentinels."""

from collections.abc import Callable, Iterator

import pytest

from accounts.models import User
from tests.servers.ports import free_port
from tests.servers.redis import MASTER, Redis, watcher
from tests.servers.site import Site
from tests.servers.tls import TlsInFront
from tests.support.visitor import LOGIN, Visitor

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def front() -> Iterator[TlsInFront]:
    with Redis() as redis, TlsInFront(redis.port) as made:
        yield made


def test_a_sign_in_with_redis_by_tls(start_site: Callable[..., Site], front: TlsInFront) -> None:
    url = f"rediss://localhost:{front.port}/0"
    site = start_site(workers=1, REDIS_URL=url, SSL_CERT_FILE=str(front.certificate))
    assert signs_in(site)


def test_a_certificate_that_nobody_vouches_for_is_not_believed(
    start_site: Callable[..., Site], front: TlsInFront
) -> None:
    site = start_site(workers=1, REDIS_URL=f"rediss://localhost:{front.port}/0")
    visitor = Visitor(site.url)
    assert visitor.submit(visitor.get(LOGIN)).reason == "session_store_unavailable"


@pytest.fixture
def sentinel_front(front: TlsInFront) -> Iterator[TlsInFront]:
    port = free_port()
    sentinel = watcher(port, front.port)
    with TlsInFront(port) as made:
        yield made
    sentinel.stop()


def test_a_sign_in_with_sentinels_by_tls(
    start_site: Callable[..., Site], front: TlsInFront, sentinel_front: TlsInFront
) -> None:
    url = f"rediss+sentinel://localhost:{sentinel_front.port}/{MASTER}"
    site = start_site(workers=1, REDIS_URL=f"{url}?ssl_ca_certs={front.certificate}")
    assert signs_in(site)
    assert front.by_tls > 0  # beside the Sentinel's own plain connections
    assert (sentinel_front.by_tls > 0, sentinel_front.plain) == (True, 0)


def test_a_sentinels_certificate_that_nobody_vouches_for_is_not_believed(
    start_site: Callable[..., Site], sentinel_front: TlsInFront
) -> None:
    url = f"rediss+sentinel://localhost:{sentinel_front.port}/{MASTER}"
    visitor = Visitor(start_site(workers=1, REDIS_URL=url).url)
    assert visitor.submit(visitor.get(LOGIN)).reason == "session_store_unavailable"


def signs_in(site: Site) -> bool:
    User.objects.create_user("staff@contoso.example")
    visitor = Visitor(site.url)
    return visitor.sign_in().status == 302 and visitor.is_in()
