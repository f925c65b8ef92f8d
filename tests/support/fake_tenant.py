"""A tenant at Microsoft, and a cache that workers share, for the tests of the authority."""

from __future__ import annotations

import json
from typing import Any

from typing_extensions import override

from accounts.entra.authority import Authority
from accounts.entra.jwks import SigningKey
from accounts.entra.metadata import Discovery
from accounts.http.client import HttpClient
from accounts.http.deadline import Deadline, result_of
from tests.support.keys import CLIENT_ID, TENANT, jwk
from tests.support.tiny_server import Exchange, TinyServer

START = 1_800_000_000.0
DOCUMENT = "/.well-known/openid-configuration"


class FakeTenant(TinyServer):
    """A tenant's discovery document and keys, which a test may change."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.keys = [jwk("first")]
        self.document: dict[str, Any] = {}
        self.status = 200
        self.now = START

    def _answer(self, exchange: Exchange) -> None:
        if self.status >= 500:
            exchange.json({"error": "temporarily_unavailable", "error_codes": [90033]}, self.status)
        elif self.status != 200:
            exchange.json({"error": "invalid_tenant", "error_codes": [90002]}, self.status)
        elif exchange.path.partition("?")[0].endswith(DOCUMENT):
            exchange.json(self.full_document())
        else:
            exchange.json({"keys": self.keys})

    def full_document(self) -> dict[str, Any]:
        names = ("authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint")
        found: dict[str, Any] = {name: f"{self.url}/{TENANT}/{name}" for name in names}
        found |= {"issuer": f"{self.url}/{TENANT}/v2.0", "userinfo_endpoint": "https://graph/"}
        return {k: v for k, v in {**found, **self.document}.items() if v is not None}

    def authority(
        self, shared: Memory | None = None, *, tenant: str = TENANT, client_id: str = CLIENT_ID
    ) -> Asked:
        made = Authority(self.url, tenant, client_id, HttpClient(), shared, clock=lambda: self.now)
        return Asked(made)

    def asked_for(self, end: str) -> int:
        paths = [request.path.partition("?")[0] for request in self.requests]
        return sum(path.endswith(end) for path in paths)


class Asked:
    """An authority, asked by someone who has five seconds."""

    def __init__(self, authority: Authority) -> None:
        self.authority = authority

    def discovery(self) -> Discovery:
        return self.authority.discovery(Deadline(5))

    def key(self, kid: str) -> SigningKey:
        return self.authority.key(kid, Deadline(5))

    def refresh_if_due(self) -> None:
        """What a page brings about in the background, and its end."""
        self.authority.discovery(Deadline(5))
        renewal = self.authority._renewal._flight
        if renewal is not None and not renewal.done():
            result_of(renewal, 5)


class Memory:
    """A shared cache that keeps JSON only, as ours does."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def get(self, key: str, /) -> Any:
        return json.loads(self.kept.get(key, "null"))

    def set(self, key: str, value: Any, /, timeout: int | None = None) -> None:
        self.kept[key] = json.dumps(value)

    def add(self, key: str, value: Any, /, timeout: int | None = None) -> bool:
        if key in self.kept:
            return False
        self.set(key, value)
        return True

    def delete(self, key: str, /) -> None:
        self.kept.pop(key, None)


class Broken(Memory):
    """A shared cache that is away."""

    @override
    def get(self, key: str, /) -> Any:
        raise ConnectionError

    @override
    def set(self, key: str, value: Any, /, timeout: int | None = None) -> None:
        raise ConnectionError
