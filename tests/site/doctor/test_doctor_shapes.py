"""Healthy stores in shapes that are not the plainest: doctor has nothing to say of them."""

from collections.abc import Callable

import pytest

from accounts.models import User
from tests.servers.pgbouncer import SILENT, PgBouncer
from tests.servers.postgres import Postgres
from tests.servers.redis_cluster import RedisCluster
from tests.servers.site import Site
from tests.support.shapes import complaints

pytestmark = pytest.mark.django_db(transaction=True)
StartSite = Callable[..., Site]


@pytest.fixture(autouse=True)
def people(transactional_db: None) -> None:
    User.objects.create_user("staff@contoso.example", is_superuser=True)


def test_a_cluster_is_healthy(start_site: StartSite) -> None:
    with RedisCluster() as cluster:
        for node in cluster.nodes:
            node.client().config_set("appendonly", "yes")
        assert complaints(start_site(REDIS_URL=cluster.url)) == []


@pytest.mark.parametrize("ignored", ["extra_float_digits", SILENT])
def test_pgbouncer_is_healthy(start_site: StartSite, postgres: Postgres, ignored: str) -> None:
    from django.db import connection

    with PgBouncer(postgres, ignored=ignored) as pooler:
        url = pooler.url_of(str(connection.settings_dict["NAME"]))
        assert complaints(start_site(DATABASE_URL=url)) == []


def test_two_sites_on_one_redis_are_healthy(start_site: StartSite) -> None:
    one, other = start_site(workers=1), start_site(workers=1)
    assert (complaints(one), complaints(other)) == ([], [])
