"""A tenant at Microsoft, and a cache that workers share, for the tests of the authority."""

from __future__ import annotations

import json
from typing import Any

from typing_extensions import override

from accounts.entra.authority import Authority
from accounts.http.client import HttpClient
from tests.support.keys import TENANT, jwk
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
        if self.status != 200:
            exchange.json({"error": "invalid_tenant", "error_codes": [90002]}, self.status)
        elif exchange.path.endswith(DOCUMENT):
            exchange.json(self.full_document())
        else:
            exchange.json({"keys": self.keys})

    def full_document(self) -> dict[str, Any]:
        names = ("authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint")
        found: dict[str, Any] = {name: f"{self.url}/{TENANT}/{name}" for name in names}
        found |= {"issuer": f"{self.url}/{TENANT}/v2.0", "userinfo_endpoint": "https://graph/"}
        return {k: v for k, v in {**found, **self.document}.items() if v is not None}

    def authority(self, shared: Memory | None = None) -> Authority:
        http = HttpClient(budget=2)
        return Authority(self.url, TENANT, http, shared, clock=lambda: self.now)

    def asked_for(self, end: str) -> int:
        return sum(request.path.endswith(end) for request in self.requests)


class Memory:
    """A shared cache that keeps JSON only, as ours does."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def get(self, key: str, /) -> Any:
        return json.loads(self.kept.get(key, "null"))

    def set(self, key: str, value: Any, /, timeout: int | None = None) -> None:
        self.kept[key] = json.dumps(value)


class Broken(Memory):
    """A shared cache that is away."""

    @override
    def get(self, key: str, /) -> Any:
        raise ConnectionError

    @override
    def set(self, key: str, value: Any, /, timeout: int | None = None) -> None:
        raise ConnectionError
