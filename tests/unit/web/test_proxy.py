"""Forwarded headers: believed as far as TRUSTED_PROXY_COUNT says."""

from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import AsyncRequestFactory, RequestFactory
from pytest_django import Settings

from accounts.web.proxy import ProxyMiddleware, client_address


def passed_on(settings: Settings, count: int, **headers: str) -> HttpRequest:
    """The request that the rest of the site sees behind `count` proxies."""
    settings.TRUSTED_PROXY_COUNT = count
    seen: list[HttpRequest] = []

    def site(request: HttpRequest) -> HttpResponse:
        seen.append(request)
        return HttpResponse()

    named: dict[str, Any] = {name.replace("_", "-"): value for name, value in headers.items()}
    ProxyMiddleware(site)(RequestFactory().get("/", headers=named, REMOTE_ADDR="10.0.0.9"))
    return seen[0]


def test_with_no_proxy_nothing_is_believed_and_nothing_is_left(settings: Settings) -> None:
    request = passed_on(settings, 0, X_Forwarded_For="203.0.113.7", X_Forwarded_Proto="https")
    assert (request.META["REMOTE_ADDR"], request.scheme) == ("10.0.0.9", "http")
    assert not [name for name in request.META if "FORWARDED" in name]


@pytest.mark.parametrize(
    ("count", "address"), [(1, "198.51.100.2"), (2, "203.0.113.7"), (3, "192.0.2.66")]
)
def test_the_client_is_the_nth_from_the_right(settings: Settings, count: int, address: str) -> None:
    chain = "192.0.2.66, 203.0.113.7, 198.51.100.2"
    assert passed_on(settings, count, X_Forwarded_For=chain).META["REMOTE_ADDR"] == address


@pytest.mark.parametrize("chain", ["", "unknown", "203.0.113.7, <script>", "999.1.1.1"])
def test_what_is_no_address_leaves_the_peers(settings: Settings, chain: str) -> None:
    assert passed_on(settings, 1, X_Forwarded_For=chain).META["REMOTE_ADDR"] == "10.0.0.9"


def test_a_chain_shorter_than_the_proxies_leaves_the_peers(settings: Settings) -> None:
    request = passed_on(settings, 2, X_Forwarded_For="203.0.113.7", X_Forwarded_Proto="https")
    assert (request.META["REMOTE_ADDR"], request.scheme) == ("10.0.0.9", "https")


@pytest.mark.parametrize(
    ("count", "proto", "scheme"),
    [
        (1, "https", "https"),
        (2, "HTTPS", "https"),
        (1, "https, http", "http"),
        (2, "https, http", "https"),
        (1, "gopher", "http"),
        (1, "", "http"),
    ],
)
def test_the_scheme_is_what_the_trusted_proxy_saw(
    settings: Settings, count: int, proto: str, scheme: str
) -> None:
    assert passed_on(settings, count, X_Forwarded_Proto=proto).scheme == scheme


@pytest.mark.parametrize(
    "name", ["X_Forwarded_Host", "X_Forwarded_Port", "X_Real_IP", "Forwarded", "Client_IP"]
)
def test_no_other_claim_gets_through(settings: Settings, name: str) -> None:
    request = passed_on(settings, 1, **{name: "evil.example"})
    assert "evil.example" not in request.META.values()
    assert request.get_host() == "testserver"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7:51234", "203.0.113.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("[2001:DB8::7]:51234", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("203.0.113.7:51234:1", ""),
        ("[", ""),
        ("", ""),
    ],
)
def test_azure_adds_a_port_to_addresses(text: str, address: str) -> None:
    assert client_address(text) == address


def test_under_asgi_django_takes_the_scheme_from_the_scope(settings: Settings) -> None:
    settings.TRUSTED_PROXY_COUNT = 1
    request = AsyncRequestFactory().get("/", headers={"x-forwarded-proto": "https"})
    ProxyMiddleware(lambda _request: HttpResponse())(request)
    assert (request.scheme, request.is_secure()) == ("https", True)


def test_what_another_sites_settings_have_django_read_stays(settings: Settings) -> None:
    settings.USE_X_FORWARDED_HOST = settings.USE_X_FORWARDED_PORT = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_SSL", "on")
    settings.ALLOWED_HOSTS = ["staff.example.com"]
    told = {"X_Forwarded_Host": "staff.example.com", "X_Forwarded_Port": "8443"}
    request = passed_on(settings, 1, **told, X_Forwarded_Ssl="on", X_Real_Ip="192.0.2.1")
    assert request.build_absolute_uri() == "https://staff.example.com/"
    assert request.get_port() == "8443"
    assert "HTTP_X_REAL_IP" not in request.META
