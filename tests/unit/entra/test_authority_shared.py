"""Keys that are not there, many threads and many workers: Microsoft is not asked too often."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from accounts.entra.authority import (
    ASK_EVERY,
    HOUR,
    KEPT_FOR,
    REFRESH_AFTER,
)
from accounts.protection.sealed import seal, unseal
from tests.support.keys import OTHER_TENANT, TENANT, jwk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_django import Settings

from tests.support.fake_tenant import START, Broken, FakeTenant, Memory
from tests.support.tiny_server import fails


@pytest.fixture
def microsoft() -> Iterator[FakeTenant]:
    with FakeTenant() as server:
        yield server


def test_a_new_key_is_followed_at_once(microsoft: FakeTenant) -> None:
    authority = microsoft.authority()
    authority.key("first")
    microsoft.keys.append(jwk("second"))
    assert authority.key("second").kid == "second"


def test_unknown_kids_ask_microsoft_once_in_ten_seconds(microsoft: FakeTenant) -> None:
    authority = microsoft.authority()
    for number in range(20):
        refused = fails(lambda n=number: authority.key(f"made-up-{n}"))  # type: ignore[misc]
        assert refused.reason.code == "token_invalid"
    assert microsoft.asked_for("/jwks_uri") == 2
    microsoft.now += ASK_EVERY
    fails(lambda: authority.key("made-up"))
    assert microsoft.asked_for("/jwks_uri") == 3


def test_unknown_kids_ask_once_in_ten_seconds_from_all_workers(microsoft: FakeTenant) -> None:
    shared = Memory()
    for _ in range(4):
        authority = microsoft.authority(shared)
        fails(lambda a=authority: a.key("made-up"))  # type: ignore[misc]
    assert microsoft.asked_for("/jwks_uri") == 2


class Between(Memory):
    """Whoever looks whether others have asked finds nothing, and is overtaken by `meanwhile`."""

    meanwhile: Callable[[], object] | None = None

    @override
    def get(self, key: str, /) -> Any:
        found = super().get(key)
        if key.endswith(":asked") and self.meanwhile:
            overtake, self.meanwhile = self.meanwhile, None
            overtake()
        return found


def test_of_two_workers_at_the_same_moment_one_asks(microsoft: FakeTenant) -> None:
    shared = Between()
    one, other = microsoft.authority(shared), microsoft.authority(shared)
    one.key("first"), other.key("first")
    shared.meanwhile = lambda: fails(lambda: other.key("made-up"))
    fails(lambda: one.key("made-up"))
    assert microsoft.asked_for("/jwks_uri") == 2


def test_a_key_that_another_worker_found_is_taken_from_the_cache(microsoft: FakeTenant) -> None:
    shared = Memory()
    one, two = microsoft.authority(shared), microsoft.authority(shared)
    one.key("first"), two.key("first")
    microsoft.keys.append(jwk("second"))
    one.key("second")
    assert two.key("second").kid == "second"
    assert microsoft.asked_for("/jwks_uri") == 2


def test_an_unknown_kid_while_microsoft_is_away_is_not_the_tokens_fault(
    microsoft: FakeTenant,
) -> None:
    authority = microsoft.authority()
    authority.key("first")
    microsoft.status = 503
    for _ in range(2):
        refused = fails(lambda: authority.key("second"))
        assert refused.reason.code == "microsoft_unreachable"
    assert authority.key("first").kid == "first"


def test_threads_that_start_cold_make_one_fetch(microsoft: FakeTenant) -> None:
    authority = microsoft.authority()
    gate = threading.Barrier(6)

    def start() -> str:
        gate.wait()
        return authority.key("first").kid

    with ThreadPoolExecutor(6) as pool:
        found = [pool.submit(start) for _ in range(6)]
        assert {one.result() for one in found} == {"first"}
    assert len(microsoft.requests) == 2


def test_threads_that_fail_together_wait_once(microsoft: FakeTenant) -> None:
    microsoft.status = 503
    authority = microsoft.authority()
    with ThreadPoolExecutor(6) as pool:
        found = [pool.submit(fails, authority.discovery) for _ in range(6)]
        codes = {one.result().reason.code for one in found}
    assert codes == {"microsoft_unreachable"}
    assert len(microsoft.requests) <= 6


def test_a_new_worker_takes_everything_from_the_cache(microsoft: FakeTenant) -> None:
    shared = Memory()
    microsoft.authority(shared).discovery()
    worker = microsoft.authority(shared)
    assert worker.key("first").public_key.key_size == 2048
    assert len(microsoft.requests) == 2


def test_one_worker_refreshes_for_all(microsoft: FakeTenant) -> None:
    shared = Memory()
    workers = [microsoft.authority(shared) for _ in range(3)]
    for worker in workers:
        worker.discovery()
    microsoft.now += REFRESH_AFTER + 1
    for worker in workers:
        worker.refresh_if_due()
    assert len(microsoft.requests) == 4


def test_a_cache_that_fails_is_told_once_and_costs_nothing(
    microsoft: FakeTenant, caplog: pytest.LogCaptureFixture
) -> None:
    authority = microsoft.authority(Broken())
    for _ in range(3):
        assert authority.key("first").kid == "first"
    fails(lambda: authority.key("second"))
    assert [r.message for r in caplog.records if "shared cache" in r.message] == [
        "shared cache failed (ConnectionError); keys stay in memory"
    ]


@pytest.mark.parametrize(
    "poison",
    [
        {"fetched_at": "now"},
        {"fetched_at": START + HOUR},
        {"fetched_at": START - KEPT_FOR},
        {"discovery": {"issuer": "https://evil.example/"}},
        {"discovery": None},
        {"keys": []},
        {"keys": "none"},
    ],
    ids=str,
)
def test_a_copy_that_does_not_fit_is_fetched_anew(
    microsoft: FakeTenant, poison: dict[str, Any]
) -> None:
    shared = Memory()
    microsoft.authority(shared).discovery()
    (key,) = shared.kept
    shared.set(key, seal(key, {**unseal(key, shared.get(key)), **poison}))
    assert microsoft.authority(shared).key("first").kid == "first"
    assert len(microsoft.requests) == 4


def test_another_tenants_copy_is_not_mine(microsoft: FakeTenant) -> None:
    shared = Memory()
    microsoft.authority(shared).discovery()
    microsoft.authority(shared, tenant="other").discovery()
    microsoft.authority(shared, client_id="other").discovery()
    assert len(shared.kept) == 3


# --- someone who can write to the cache -----------------------------------------------------------


def plant_plain(shared: Memory, key: str) -> None:
    """As the entry was before it was sealed, with other keys."""
    planted = unseal(key, shared.get(key)) | {"keys": [jwk("planted")]}
    shared.set(key, planted)


def plant_altered(shared: Memory, key: str) -> None:
    text = shared.get(key)
    shared.set(key, text.replace(text[:8], text[8:16], 1))


def plant_sealed_for_another_place(shared: Memory, key: str) -> None:
    shared.set(key, seal("another:metadata", unseal(key, shared.get(key))))


def plant_of_another_tenant(shared: Memory, key: str) -> None:
    """Genuine metadata of the writer's own tenant, on the same host: ours would not seal it."""
    document = unseal(key, shared.get(key))
    issuer = document["discovery"]["issuer"].replace(TENANT, OTHER_TENANT)
    shared.set(key, seal(key, document | {"discovery": document["discovery"] | {"issuer": issuer}}))


def plant_another_type(shared: Memory, key: str) -> None:
    shared.set(key, [1, {"a": None}])


@pytest.mark.parametrize(
    "plant",
    [
        plant_plain,
        plant_altered,
        plant_sealed_for_another_place,
        plant_of_another_tenant,
        plant_another_type,
    ],
)
def test_what_others_write_into_the_cache_is_never_used(
    microsoft: FakeTenant, plant: Callable[[Memory, str], None]
) -> None:
    shared = Memory()
    microsoft.authority(shared).discovery()
    (key,) = shared.kept
    plant(shared, key)
    worker = microsoft.authority(shared)
    assert worker.key("first").kid == "first"
    assert worker.discovery().issuer == f"{microsoft.url}/{TENANT}/v2.0"
    assert len(microsoft.requests) == 4
    assert microsoft.authority(shared).key("first").kid == "first"
    assert len(microsoft.requests) == 4


def test_a_bad_entry_is_dropped_and_logged(
    microsoft: FakeTenant, caplog: pytest.LogCaptureFixture
) -> None:
    shared = Memory()
    microsoft.authority(shared).discovery()
    (key,) = shared.kept
    plant_altered(shared, key)
    microsoft.authority(shared).discovery()
    assert "not ours was dropped (metadata)" in caplog.text


@pytest.mark.parametrize("at", [START, START + 10 * HOUR, "now", [START]])
def test_a_planted_mark_does_not_keep_a_new_key_away(microsoft: FakeTenant, at: object) -> None:
    shared = Memory()
    authority = microsoft.authority(shared)
    authority.key("first")
    (key,) = shared.kept
    shared.set(key.replace("metadata", "asked"), at)
    microsoft.keys.append(jwk("second"))
    assert authority.key("second").kid == "second"


def test_a_worker_with_the_former_secret_key_is_understood(
    microsoft: FakeTenant, settings: Settings
) -> None:
    shared = Memory()
    microsoft.authority(shared).discovery()
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-secret-key-of-more-than-fifty-characters-123456"
    assert microsoft.authority(shared).key("first").kid == "first"
    assert len(microsoft.requests) == 2
