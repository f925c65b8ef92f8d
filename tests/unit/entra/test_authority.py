"""Discovery and keys: believed only at home, fetched when they are old, kept when they must be."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from accounts.entra.authority import (
    FRESH_FOR,
    KEPT_FOR,
    REFRESH_AFTER,
    RETRY_AFTER_FAILURE,
    Authority,
)
from accounts.entra.metadata import read_discovery
from accounts.http.client import HttpClient
from accounts.http.deadline import Deadline
from accounts.http.origins import Origin
from tests.support.keys import CLIENT_ID, ISSUER, TENANT, jwk
from tests.support.tiny_server import TinyServer, eventually, fails

if TYPE_CHECKING:
    from collections.abc import Iterator

from tests.support.fake_tenant import DOCUMENT, START, FakeTenant


@pytest.fixture
def microsoft() -> Iterator[FakeTenant]:
    with FakeTenant() as server:
        yield server


def test_the_document_and_the_keys_are_fetched_once(microsoft: FakeTenant) -> None:
    authority = microsoft.authority()
    for _ in range(3):
        assert authority.discovery().issuer == f"{microsoft.url}/{TENANT}/v2.0"
        assert authority.key("first").issuer == ISSUER
    assert len(microsoft.requests) == 2
    assert microsoft.requests[0].path == f"/{TENANT}/v2.0{DOCUMENT}?appid={CLIENT_ID}"


def test_a_tenants_guid_is_the_same_in_capitals(microsoft: FakeTenant) -> None:
    tenant = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
    microsoft.document = {"issuer": f"{microsoft.url}/{tenant}/v2.0"}
    assert tenant in microsoft.authority(tenant=tenant.upper()).discovery().issuer


def test_the_logout_address_may_be_missing(microsoft: FakeTenant) -> None:
    microsoft.document = {"end_session_endpoint": None}
    assert microsoft.authority().discovery().end_session_endpoint is None


ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint")
ELSEWHERE = (
    "https://evil.example/token",
    "http://127.0.0.1:1/token",
    "http://127.0.0.1@evil.example/",
    "//127.0.0.1/token",
    "javascript:alert(1)",
    "",
    7,
    ["http://127.0.0.1/"],
)


@pytest.mark.parametrize("name", [*ENDPOINTS, "issuer"])
@pytest.mark.parametrize("address", ELSEWHERE)
def test_an_endpoint_elsewhere_is_refused(
    microsoft: FakeTenant, name: str, address: object
) -> None:
    microsoft.document = {name: address}
    refused = fails(microsoft.authority().discovery)
    assert refused.reason.code == "misconfigured"
    assert refused.detail.startswith(name)


@pytest.mark.parametrize("trick", ["{url}@evil.example/", "{url}\\x", "{url} /x", "{url}/#x"])
def test_an_address_that_parsers_read_differently_is_refused(
    microsoft: FakeTenant, trick: str
) -> None:
    microsoft.document = {"token_endpoint": trick.format(url=microsoft.url)}
    assert fails(microsoft.authority().discovery).reason.code == "misconfigured"


def test_an_https_endpoint_on_another_port_is_elsewhere(microsoft: FakeTenant) -> None:
    microsoft.document = {"token_endpoint": microsoft.url.replace("http:", "https:") + "/t"}
    assert fails(microsoft.authority().discovery).reason.code == "misconfigured"


@pytest.mark.parametrize("url", ["http://login.example", "login.example", "https://u@x", ""])
def test_a_login_url_that_is_not_https_is_refused(url: str) -> None:
    refused = fails(lambda: Authority(url, TENANT, CLIENT_ID, HttpClient(), None))
    assert refused.reason.code == "misconfigured"


def test_a_tenant_that_microsoft_does_not_know_is_not_found(microsoft: FakeTenant) -> None:
    microsoft.status = 400
    refused = fails(microsoft.authority().discovery)
    assert (refused.reason.code, refused.aadsts) == ("tenant_not_found", 90002)


def test_a_tenant_cannot_leave_its_place_in_the_address(microsoft: FakeTenant) -> None:
    microsoft.authority(tenant="../x?y#z").discovery()
    assert microsoft.requests[0].path == f"/..%2Fx%3Fy%23z/v2.0{DOCUMENT}?appid={CLIENT_ID}"


def test_after_an_hour_it_is_fetched_in_the_background(microsoft: FakeTenant) -> None:
    authority = microsoft.authority()
    authority.discovery()
    microsoft.now += REFRESH_AFTER + 1
    microsoft.document = {"token_endpoint": f"{microsoft.url}/new"}
    assert authority.discovery().token_endpoint != f"{microsoft.url}/new"
    assert eventually(lambda: authority.discovery().token_endpoint == f"{microsoft.url}/new")
    assert len(microsoft.requests) == 4


def test_a_retired_key_is_gone_after_a_refresh(microsoft: FakeTenant) -> None:
    authority = microsoft.authority()
    authority.key("first")
    microsoft.keys = [jwk("second")]
    microsoft.now += REFRESH_AFTER + 1
    authority.refresh_if_due()
    assert fails(lambda: authority.key("first")).detail.startswith("kid:")


def test_a_refresh_that_fails_keeps_the_last_good_keys(microsoft: FakeTenant) -> None:
    authority = microsoft.authority()
    authority.key("first")
    microsoft.now += REFRESH_AFTER + 1
    for microsoft.status, microsoft.keys in ((500, [jwk("first")]), (200, [])):
        authority.refresh_if_due()
        microsoft.now += RETRY_AFTER_FAILURE
        assert authority.key("first").kid == "first"


def test_a_refresh_that_failed_is_not_repeated_at_once(microsoft: FakeTenant) -> None:
    authority = microsoft.authority()
    authority.discovery()
    microsoft.status, microsoft.now = 500, START + REFRESH_AFTER + 1
    for _ in range(5):
        authority.refresh_if_due()
    assert len(microsoft.requests) == 3


def test_past_a_day_microsoft_is_asked_first(microsoft: FakeTenant) -> None:
    authority = microsoft.authority()
    authority.key("first")
    microsoft.keys = [jwk("second")]
    microsoft.now += FRESH_FOR
    assert authority.key("second").kid == "second"


def test_past_a_day_old_keys_serve_while_microsoft_is_away(microsoft: FakeTenant) -> None:
    authority = microsoft.authority()
    authority.key("first")
    microsoft.status, microsoft.now = 503, START + FRESH_FOR
    for _ in range(3):
        assert authority.key("first").kid == "first"
    assert len(microsoft.requests) == 3


def test_past_a_day_a_no_from_microsoft_is_not_the_same_as_silence(microsoft: FakeTenant) -> None:
    authority = microsoft.authority()
    authority.key("first")
    microsoft.status, microsoft.now = 400, START + FRESH_FOR
    for _ in range(2):
        assert fails(lambda: authority.key("first")).reason.code == "tenant_not_found"


def test_past_three_days_old_keys_serve_no_more(microsoft: FakeTenant) -> None:
    authority = microsoft.authority()
    authority.key("first")
    microsoft.status, microsoft.now = 503, START + KEPT_FOR
    assert fails(lambda: authority.key("first")).reason.code == "microsoft_unreachable"


def test_an_issuer_of_v1_tokens_is_told_as_such() -> None:
    home = Origin("https", "login.microsoftonline.com", 443)
    document = {"issuer": f"https://sts.windows.net/{TENANT}/"}
    assert "v1.0" in fails(lambda: read_discovery(document, home, TENANT)).detail


@pytest.mark.parametrize("keys", [[], [{"kty": "EC"}], [jwk("first", use="enc")]])
def test_keys_of_which_none_can_be_used_are_not_unreachable(
    microsoft: FakeTenant, keys: list[dict[str, Any]]
) -> None:
    microsoft.keys = keys
    refused = fails(microsoft.authority().discovery)
    assert refused.reason.code == "misconfigured"
    assert refused.detail == (
        f"keys: none of the {len(keys)} that Microsoft lists can be used for RS256"
    )


def test_an_unknown_kid_says_what_a_custom_signing_key_has_to_do_with_it(
    microsoft: FakeTenant,
) -> None:
    refused = fails(lambda: microsoft.authority().key("other"))
    assert "custom signing key (claims mapping)" in refused.detail


def test_metadata_and_keys_are_bounded_by_the_time_of_who_asks() -> None:
    """The fetch goes on for the others."""
    with TinyServer(lambda x: x.drip(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n")) as server:
        authority = Authority(server.url, TENANT, CLIENT_ID, HttpClient(), None)
        began = time.monotonic()
        refused = fails(lambda: authority.discovery(Deadline(0.2)))
        assert refused.reason.code == "microsoft_unreachable"
        assert time.monotonic() - began < 1
