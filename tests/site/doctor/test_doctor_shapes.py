"""Healthy sites in shapes that are not the plainest: doctor has nothing to say of them."""

from collections.abc import Callable, Iterator

import pytest

from accounts.models import User
from tests import fixtures
from tests.servers import container
from tests.servers.nginx import Nginx
from tests.servers.pgbouncer import SILENT, PgBouncer
from tests.servers.ports import free_port
from tests.servers.postgres import Postgres
from tests.servers.redis import Redis, Sentinel
from tests.servers.redis_cluster import RedisCluster
from tests.servers.site import Site
from tests.support.shapes import unhealthy

pytestmark = pytest.mark.django_db(transaction=True)
StartSite = Callable[..., Site]
# Microsoft's pages "Reverse proxy and load balancing" (X-ARR-*, what App Service's front ends add)
# and "Environment variables and app settings in Azure App Service".
APP_SERVICE = {
    "X-Forwarded-For": "$proxy_add_x_forwarded_for:$remote_port",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-TlsVersion": "1.3",
    "X-ARR-SSL": '"2048|256|CN=Microsoft Azure RSA TLS Issuing CA 04|CN=*.azurewebsites.net"',
    "X-ARR-LOG-ID": "0f8fad5b-d9cb-469f-a165-70867728950e",
    "X-SITE-DEPLOYMENT-ID": "staff",
    "WAS-DEFAULT-HOSTNAME": "staff.azurewebsites.net",
    "X-Original-URL": "$request_uri",
    "X-WAWS-Unencoded-URL": "$request_uri",
    "CLIENT-IP": "$remote_addr:$remote_port",
    "DISGUISED-HOST": "$http_host",
    "Max-Forwards": "10",
}
# Microsoft's page "Protocol support for HTTP headers in Azure Front Door".
FRONT_DOOR = {
    "X-Forwarded-Host": "$http_host",
    "X-Azure-ClientIP": "$remote_addr",
    "X-Azure-SocketIP": "$remote_addr",
    "X-Azure-Ref": "0zxV+XAAAAABKMMOjBv2NT4TY6SQVjC0zV1NURURHRTA2MTkAMDc2",
    "X-Azure-RequestChain": '"hops=1"',
    "X-Azure-FDID": "0f8fad5b-d9cb-469f-a165-70867728950e",
    "X-Azure-JA4-Fingerprint": "t13d1516h2_8daaf6152771_b186095e22b6",
    "Via": '"HTTP/2.0 Azure"',
}
OF_APP_SERVICE = {
    "WEBSITE_SITE_NAME": "staff",
    "WEBSITE_INSTANCE_ID": "ab" * 32,
    "WEBSITE_ROLE_INSTANCE_ID": "0",
    "WEBSITE_RESOURCE_GROUP": "staff",
    "WEBSITE_OWNER_NAME": "0f8fad5b-d9cb-469f-a165-70867728950e+staff-westeuropewebspace-Linux",
    "WEBSITE_AUTH_ENABLED": "False",
    "WEBSITE_STACK": "PYTHON",
    "WEBSITES_ENABLE_APP_SERVICE_STORAGE": "true",
    "SCM_DO_BUILD_DURING_DEPLOYMENT": "true",
    "ORYX_ENV_TYPE": "AppService",
    "PLATFORM_VERSION": "104.0.7.65",
    "SSH_PORT": "2222",
    "HOME": "/home",
}


@pytest.fixture(autouse=True)
def people(transactional_db: None) -> None:
    User.objects.create_user("staff@contoso.example", is_superuser=True)


@pytest.fixture(autouse=True)
def _redis_keeps(redis_server: Redis) -> Iterator[None]:
    """The tests' own keeps nothing over a restart, of which doctor would warn."""
    keeping(redis_server)
    yield
    redis_server.client().config_set("appendonly", "no")


def keeping(*servers: Redis) -> None:
    for server in servers:
        server.client().config_set("appendonly", "yes")


def test_a_cluster_is_healthy(start_site: StartSite) -> None:
    with RedisCluster() as cluster:
        keeping(*cluster.nodes)
        assert not unhealthy(start_site(REDIS_URL=cluster.url))


@pytest.mark.parametrize("ignored", ["extra_float_digits", SILENT])
def test_pgbouncer_is_healthy(start_site: StartSite, postgres: Postgres, ignored: str) -> None:
    from django.db import connection

    with PgBouncer(postgres, ignored=ignored) as pooler:
        url = pooler.url_of(str(connection.settings_dict["NAME"]))
        assert not unhealthy(start_site(DATABASE_URL=url))


def test_two_sites_on_one_redis_are_healthy(start_site: StartSite) -> None:
    one, other = start_site(workers=1), start_site(workers=1)
    assert not unhealthy(one) + unhealthy(other)


def on_app_service(port: int, proxies: int) -> dict[str, str]:
    """Its variables; it also gives each setting of the app a second time, by another name."""
    settings = {**fixtures.ENVIRONMENT, "TRUSTED_PROXY_COUNT": str(proxies)}
    del settings["PUBLIC_URL"]
    again = {f"APPSETTING_{name}": value for name, value in settings.items()}
    return {
        **OF_APP_SERVICE,
        **again,
        "TRUSTED_PROXY_COUNT": str(proxies),
        "WEBSITE_HOSTNAME": f"localhost:{port}",
        "PUBLIC_URL": "",
    }


def test_app_service_is_healthy(start_site: StartSite) -> None:
    port = free_port()
    site = start_site(**on_app_service(port, 1))
    with Nginx([site.port], port=port, headers=APP_SERVICE) as front:
        assert not unhealthy(site, "--ca-file", str(front.certificate))


def test_front_door_before_app_service_is_healthy(start_site: StartSite) -> None:
    """Front Door keeps the custom domain in Host; App Service's own name stays behind it."""
    port = free_port()
    variables = on_app_service(free_port(), 2) | {"PUBLIC_URL": f"https://localhost:{port}"}
    site = start_site(**variables)
    with (
        Nginx([site.port], tls=False, headers=APP_SERVICE) as behind,
        Nginx([behind.port], port=port, headers=FRONT_DOOR) as front,
    ):
        assert not unhealthy(site, "--ca-file", str(front.certificate))


def test_nginx_with_tls_is_healthy(start_site: StartSite) -> None:
    port = free_port()
    site = start_site(PUBLIC_URL=f"https://localhost:{port}", TRUSTED_PROXY_COUNT="1")
    with Nginx([site.port], port=port) as front:
        assert not unhealthy(site, "--ca-file", str(front.certificate))


def test_sentinel_is_healthy(start_site: StartSite) -> None:
    with Sentinel() as sentinel:
        keeping(sentinel.master, sentinel.replica)
        assert not unhealthy(start_site(REDIS_URL=sentinel.url))


def test_a_read_only_container_with_a_user_of_no_name_is_healthy(start_site: StartSite) -> None:
    site = start_site(prefix=container.PREFIX)
    assert not unhealthy(site)
    assert "Traceback" not in site.log()
