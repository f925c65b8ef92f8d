"""/healthz and /readyz: what a load balancer asks."""

import time
from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.web import health
from tests.servers.postgres import Postgres
from tests.servers.redis import Redis


@pytest.fixture(autouse=True)
def _just_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process that nobody has asked yet."""
    monkeypatch.setattr(health, "_probes", health._Probes())


@pytest.mark.parametrize("host", ["169.254.130.4:8000", "", "no host at all"])
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.django_db
def test_probes_are_answered_whatever_the_host(client: Client, path: str, host: str) -> None:
    response = client.get(path, headers={"Host": host})
    assert (response.status_code, response["Cache-Control"]) == (200, "no-store")


def test_probes_are_not_redirected_to_https(client: Client, settings: Settings) -> None:
    settings.PUBLIC_URL, settings.SECURE_SSL_REDIRECT = "https://testserver", True
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_only_look(client: Client, path: str) -> None:
    response = client.post(path)
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")


@pytest.mark.django_db
def test_ready_says_what_it_asked(client: Client) -> None:
    answer = client.get("/readyz").json()
    assert answer == {"ready": True, "database": "ok", "session_store": "ok"}


@pytest.mark.django_db
def test_head_is_enough(client: Client) -> None:
    response = client.head("/readyz")
    assert (response.status_code, response.content) == (200, b"")


@pytest.fixture
def hanging_redis(redis_server: Redis) -> Iterator[None]:
    redis_server.pause()
    yield
    redis_server.resume()


@pytest.fixture
def hanging_postgres(postgres: Postgres) -> Iterator[None]:
    postgres.process.pause()
    yield
    postgres.process.resume()


@pytest.mark.django_db
@pytest.mark.usefixtures("hanging_redis")
def test_a_store_that_hangs_is_named_in_time(client: Client) -> None:
    began = time.monotonic()
    response = client.get("/readyz")
    assert (response.status_code, response.json()["database"]) == (503, "ok")
    assert response.json()["session_store"] != "ok"
    assert time.monotonic() - began < 2


@pytest.mark.django_db
def test_a_database_that_hangs_is_named_in_time(client: Client, hanging_postgres: None) -> None:
    began = time.monotonic()
    response = client.get("/readyz")
    assert (response.status_code, response.json()["session_store"]) == (503, "ok")
    assert response.json()["database"] == "no answer in time"
    assert time.monotonic() - began < 2.5


@pytest.mark.django_db
@pytest.mark.usefixtures("hanging_redis")
def test_healthz_asks_nobody(client: Client) -> None:
    assert client.get("/healthz").content == b"ok\n"


@pytest.mark.django_db
def test_many_probes_in_a_second_ask_once(client: Client, redis_server: Redis) -> None:
    client.get("/readyz")
    before = redis_server.client().info("stats")["total_commands_processed"]
    for _probe in range(5):
        client.get("/readyz")
    assert redis_server.client().info("stats")["total_commands_processed"] - before < 5
