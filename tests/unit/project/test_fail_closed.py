"""What never starts: DEBUG where others are. And what crosses the network in the clear."""

from collections.abc import Mapping
from typing import Any

import pytest

from accounts.checks.transport import databases_without_tls, redis_without_tls
from accounts.configuration.table import BadEnvironment
from project import stores, variables


@pytest.mark.parametrize(
    "others",
    [
        {"PUBLIC_URL": "https://staff.example.com"},
        {"PUBLIC_URL": "http://10.0.0.4:8000"},
        {"PUBLIC_URL": "http://staff"},
        {"PUBLIC_URL": "http://localhost.example.com"},
        {"ALLOWED_HOSTS": "staff.example.com"},
        {"ALLOWED_HOSTS": "localhost,.example.com"},
        {"WEBSITE_HOSTNAME": "site.azurewebsites.net"},
        {"WEBSITE_INSTANCE_ID": "x", "PUBLIC_URL": "http://localhost:8000"},
        {"WEBSITE_SITE_NAME": "site"},
        {"CONTAINER_APP_NAME": "site"},
        {"DYNO": "web.1"},
        {"FLY_APP_NAME": "site"},
        {"RENDER": "true"},
        {"RAILWAY_ENVIRONMENT_NAME": "production"},
        {"K_SERVICE": "site"},
        {"VCAP_APPLICATION": "{}"},
    ],
)
def test_debug_does_not_start_where_others_are(others: dict[str, str]) -> None:
    with pytest.raises(BadEnvironment) as caught:
        variables.load({"DEBUG": "true", **others})
    [problem] = caught.value.problems
    assert problem.startswith("DEBUG must not be true ")
    assert problem.endswith("Example: false")


@pytest.mark.parametrize(
    "others",
    [
        {},
        {"PUBLIC_URL": "http://localhost:9000"},
        {"PUBLIC_URL": "https://staff.localhost"},
        {"PUBLIC_URL": "http://[::1]:8000"},
        {"ALLOWED_HOSTS": "127.0.0.1,::1,[::1],localhost"},
        {"KUBERNETES_SERVICE_HOST": "10.0.0.1"},  # a workspace or a build machine
    ],
)
def test_debug_starts_where_nobody_else_is(others: dict[str, str]) -> None:
    assert variables.load({"DEBUG": "true", **others}).DEBUG


@pytest.mark.parametrize(
    ("url", "environ", "hosts"),
    [
        ("postgres://u:p@db.example.com/n", {}, ["db.example.com"]),
        ("postgres://u:p@10.0.0.4/n?sslmode=disable", {}, ["10.0.0.4"]),
        ("postgres://u:p@db/n?sslmode=allow", {}, ["db"]),
        ("postgres://u:p@db/n?sslmode=prefer", {}, ["db"]),
        ("postgres://u:p@localhost,db/n", {}, ["db"]),
        ("postgres://u:p@a:1,b:2/n", {}, ["a", "b"]),
        ("postgres://u:p@localhost/n?hostaddr=10.0.0.4", {}, ["10.0.0.4"]),
        ("postgres:///n?host=db", {}, ["db"]),
        ("postgres:///n?service=x", {}, ["service x"]),
        ("postgres:///n", {"PGHOST": "db"}, ["db"]),
        ("postgres://u:p@localhost.example.com/n", {}, ["localhost.example.com"]),
        ("postgres://u:p@db/n?sslmode=require", {}, []),
        ("postgres://u:p@a,b/n?sslmode=verify-full", {}, []),
        ("postgres://u:p@db/n?sslrootcert=system", {}, []),
        ("postgres://u:p@db/n?gssencmode=require", {}, []),
        ("postgres://u:p@db/n", {"PGSSLMODE": "verify-ca"}, []),
        ("postgres://u:p@db/n?sslmode=prefer", {"PGSSLMODE": "require"}, ["db"]),
        ("postgres://u:p@localhost/n", {}, []),
        ("postgres://u:p@127.0.0.2/n?sslmode=disable", {}, []),
        ("postgres://u:p@[::1]:5432/n", {}, []),
        ("postgres://u@%2Frun%2Fpostgresql/n", {}, []),
        ("postgres:///n?host=/run/postgresql", {}, []),
        ("postgres:///n", {}, []),
        ("sqlite:////srv/db.sqlite3", {}, []),
    ],
)
def test_postgresql_in_the_clear(url: str, environ: Mapping[str, str], hosts: list[str]) -> None:
    entry: dict[str, Any] = stores.database(url)
    assert databases_without_tls([entry], environ) == hosts


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("redis://redis/0", ["redis"]),
        ("redis://:p@redis.example.com:6379/0", ["redis.example.com"]),
        ("redis+sentinel://a:1,redis+sentinel://localhost:2/staff", ["a"]),
        ("redis+sentinel://:p@a:1, redis+sentinel://:p@b:2/staff", ["a", "b"]),
        ("rediss://redis/0", []),
        ("rediss+sentinel://a:1,rediss+sentinel://b/staff", []),
        ("redis://localhost/0", []),
        ("redis://:p,q@[::1]:6379", []),
        ("unix:///run/redis.sock", []),
        ("", []),
    ],
)
def test_redis_in_the_clear(url: str, hosts: list[str]) -> None:
    assert redis_without_tls([url]) == hosts
