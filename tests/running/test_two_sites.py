"""Two sites on one Redis: what one does to its sessions, throttles and marks is not the other's."""

from collections.abc import Callable

import pytest

from accounts.models import User
from accounts.sessions import service
from tests.servers.redis import Redis
from tests.servers.site import Site
from tests.support import site_keys
from tests.support.visitor import Visitor

pytestmark = pytest.mark.django_db(transaction=True)


def test_each_has_its_own(start_site: Callable[..., Site], redis_server: Redis) -> None:
    """They share PostgreSQL here, too: people with the same keys are the worst case."""
    user = User.objects.create_user("staff@contoso.example", is_superuser=True)
    one, other = start_site(workers=1), start_site(workers=1)
    at_one, at_other = Visitor(one.url), Visitor(other.url)
    for visitor in (at_one, at_other):
        assert visitor.sign_in().status == 302
    site_keys.follow(one)
    assert len(service.listing()) == len(service.listing(user)) == 1
    assert service.end_everyones() == 1
    assert (at_one.is_in(), at_other.is_in()) == (False, True)
    keys = {name.split(b":")[2] for name in redis_server.client().scan_iter()}
    # The site that other tests share may have written of its processes meanwhile.
    assert keys >= {site.url.rpartition(":")[2].encode() for site in (one, other)}
    assert all(port.isdigit() for port in keys)
    at_one.http.cookies.update(at_other.http.cookies.get_dict())  # of one host, whatever the port
    assert (at_one.is_in(), at_other.is_in()) == (False, True)
