"""Doctor's look at Redis: a real server, set up in every way that loses sessions."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import caches
from django.test import override_settings

from accounts.operate.doctor.finding import Finding, finding_of
from accounts.operate.doctor.probes import redis
from tests.servers.ports import free_port
from tests.servers.redis import Redis
from tests.support.doctoring import bad, by_id


@contextmanager
def used_by_the_site(url: str) -> Iterator[None]:
    entry = settings.CACHES["default"] | {"LOCATION": url}
    with override_settings(CACHES={"default": entry}):
        yield
    caches.close_all()


def look(url: str) -> list[Finding]:
    with used_by_the_site(url):
        seen = list(redis.reachable())
        if not bad(seen):
            seen += [*redis.writable(), *redis.uses(), *redis.condition()]
        return [finding_of(each) for each in seen]


def with_server(*arguments: str, keep: bool = True, **config: Any) -> list[Finding]:
    with Redis(*arguments, keep=keep) as server:
        for name, value in config.items():
            server.client().config_set(name.replace("_", "-"), value)
        return look(server.url)


def test_a_good_server_has_no_findings() -> None:
    assert bad(with_server()) == set()


def test_a_server_that_is_away_is_named_within_seconds() -> None:
    (finding,) = look(f"redis://127.0.0.1:{free_port()}/0")
    assert (finding.id, finding.level) == ("redis.reachable", "error")
    assert finding.shows_as == ("session_store_unavailable",)
    assert "Start Redis" in finding.fix


def test_a_host_that_is_not_known_is_named() -> None:
    (finding,) = look("redis://nowhere.invalid:6379/0")
    assert "host name in REDIS_URL" in finding.fix


def test_a_hanging_server_is_named() -> None:
    with Redis() as server:
        server.pause()
        (finding,) = look(server.url)
        server.resume()
    assert finding.id == "redis.reachable"


def test_a_password_that_is_missing_or_wrong_is_named() -> None:
    with Redis() as server:
        server.client().config_set("requirepass", "right")
        without = look(server.url)
        wrong = look(server.url.replace("redis://", "redis://:wrong@"))
    assert "needs the password" in without[0].fix
    assert "wrong" in wrong[0].fix


def test_tls_to_a_plain_port_is_named() -> None:
    with Redis() as server:
        (finding,) = look(server.url.replace("redis://", "rediss://"))
    assert "TLS failed" in finding.fix


def test_a_server_that_may_evict_sessions_is_a_warning() -> None:
    found = by_id(with_server(maxmemory="100mb", maxmemory_policy="volatile-lru"))
    assert found["redis.may_evict"].level == "warning"
    assert "noeviction" in found["redis.may_evict"].fix


def test_a_server_that_has_evicted_sessions_is_an_error() -> None:
    with Redis("--maxmemory", "3mb", "--maxmemory-policy", "allkeys-lru", keep=True) as server:
        client = server.client()
        for number in range(3000):
            client.set(f"filler-{number}", "x" * 2000)
        found = by_id(look(server.url))
    assert found["redis.eviction"].level == "error"
    assert found["redis.eviction"].shows_as == ("session_not_found",)


def test_a_full_server_takes_no_writes() -> None:
    found = by_id(with_server(maxmemory="1kb"))
    assert found["redis.writable"].level == "error"
    assert "full" in found["redis.writable"].fix


def test_a_server_that_forgets_at_restart_is_a_warning() -> None:
    found = by_id(with_server(keep=False))
    assert found["redis.persistence"].level == "warning"


def test_a_replica_is_an_error() -> None:
    with Redis(keep=True) as master:
        found = by_id(with_server("--replicaof", "127.0.0.1", str(master.port)))
    assert found["redis.role"].level == "error"
    assert "master" in found["redis.writable"].fix


def test_a_server_without_config_is_judged_by_its_info() -> None:
    assert bad(with_server("--rename-command", "CONFIG", "")) == set()


@pytest.mark.parametrize(("commands", "keys", "what", "command"), [
    (["-zadd"], "*", "a session", "ZADD"),
    (["-zrange"], "*", "a session", "ZRANGE"),
    (["-evalsha"], "*", "a throttle", "EVALSHA"),
    ([], "*:[su]s*", "the mark of a used state", "a command"),
])  # fmt: skip
def test_rights_that_stop_short_are_named_with_command_and_key(
    commands: list[str], keys: str, what: str, command: str
) -> None:
    with Redis(keep=True) as server:
        rights = ["on", ">word", f"~{keys}", "+@all", *commands]
        client: Any = server.client()
        client.execute_command("ACL SETUSER", "site", *rights)
        seen = look(server.url.replace("redis://", "redis://site:word@"))
    found = [each for each in seen if each.id == "redis.rights"]
    assert any(what in each.title and each.detail.startswith(command) for each in found), found


def test_what_a_user_may_not_ask_is_not_said_to_be_well() -> None:
    with Redis(keep=True) as server:
        server.client().acl_setuser("site", enabled=True, passwords=["+word"], keys=["*"],
                                    commands=["+@all", "-info"])  # fmt: skip
        found = by_id(look(server.url.replace("redis://", "redis://site:word@")))
    assert found["redis.info"].level == "unknown"
    assert "redis.eviction" not in found
