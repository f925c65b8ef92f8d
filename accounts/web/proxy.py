"""Forwarded headers: read as far as TRUSTED_PROXY_COUNT allows, and removed."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

from ..conf import conf

_FOR: Final = "HTTP_X_FORWARDED_FOR"
_PROTO: Final = "HTTP_X_FORWARDED_PROTO"
_CLAIMS: Final = (
    _FOR,
    _PROTO,
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_SSL",
    "HTTP_X_REAL_IP",
    "HTTP_X_CLIENT_IP",
    "HTTP_CLIENT_IP",
    "HTTP_TRUE_CLIENT_IP",
    "HTTP_FORWARDED",
)


class ProxyMiddleware(MiddlewareMixin):
    """Sets the client's address and scheme from the headers of trusted proxies.

    Each proxy appends the address that called it to X-Forwarded-For, so with n proxies the n-th
    from the right is the client's; anything further left is from the client itself.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        super().__init__(get_response)
        self._count: int = conf.TRUSTED_PROXY_COUNT
        self._claims = [name for name in _CLAIMS if name not in _believed_by_the_site()]

    def process_request(self, request: HttpRequest) -> None:
        claims = {name: request.META.pop(name) for name in self._claims if name in request.META}
        if self._count:
            self._believe(request, claims)

    def _believe(self, request: HttpRequest, claims: dict[str, str]) -> None:
        address = client_address(_from_right(claims.get(_FOR, ""), self._count))
        if address:
            request.META["REMOTE_ADDR"] = address
        proto = claims.get(_PROTO, "")
        scheme = _from_right(proto, self._count if "," in proto else 1).lower()
        if scheme in ("http", "https"):
            request.META["wsgi.url_scheme"] = scheme
            if scope := getattr(request, "scope", None):  # under ASGI Django reads it there
                scope["scheme"] = scheme


def _believed_by_the_site() -> set[str]:
    """The headers that another site's settings make Django read."""
    names = {settings.SECURE_PROXY_SSL_HEADER[0]} if settings.SECURE_PROXY_SSL_HEADER else set()
    host = {"HTTP_X_FORWARDED_HOST"} if settings.USE_X_FORWARDED_HOST else set()
    port = {"HTTP_X_FORWARDED_PORT"} if settings.USE_X_FORWARDED_PORT else set()
    return (names | host | port) - {_FOR, _PROTO}


def client_address(text: str) -> str:
    """The address of "1.2.3.4", "1.2.3.4:567", "::1" or "[::1]:567"; "" when it is none."""
    host = text.partition("]")[0].lstrip("[") if text.startswith("[") else text
    if host.count(":") == 1:  # Azure's front ends add the port
        host = host.partition(":")[0]
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return ""


def _from_right(text: str, count: int) -> str:
    entries = [entry.strip() for entry in text.split(",")]
    return entries[-count] if len(entries) >= count else ""
