"""App Service's managed-identity endpoint, as azure-identity asks it: over a socket, with a header.

A token is a resource's until `renew`, as App Service caches it. Entra's word to Redis and
PostgreSQL, that a token is good, is `trusted`: it is called before a new token is given out.
`mint` makes the tokens of further resources, such as the one that Entra takes from a client.
"""

import time
from collections.abc import Callable
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import jwt

from tests.support.tiny_server import Exchange, TinyServer

REDIS = "https://redis.azure.com"
POSTGRESQL = "https://ossrdbms-aad.database.windows.net"
OBJECT_ID = "5f0c1d3e-77aa-4c41-9b62-2f1f0e6d5a10"
DAY = 24 * 3600
_HEADER = "header-of-this-site"
_KEY = "nobody checks the signature of these tokens"

Trusted = Callable[[str, str], None]


class IdentityEndpoint:
    """`with IdentityEndpoint() as endpoint:`; `environment` is what App Service sets.

    `away` is "" while it answers, else "closes", "hangs", or "fails", which is HTTP 500. `delay` is
    in seconds. `identities` are the client ids of user-assigned ones; None: any.
    """

    def __init__(self) -> None:
        self.object_id, self.life, self.away = OBJECT_ID, float(DAY), ""
        self.given: list[str] = []
        self.asked: list[dict[str, str]] = []
        self.delay = 0.0
        self.identities: set[str] | None = None
        self.mint: dict[str, Callable[[], dict[str, Any]]] = {}
        self._trusted: dict[str, Trusted] = {}
        self._current: dict[str, dict[str, Any]] = {}
        self._server = TinyServer(self._answer)

    @property
    def environment(self) -> dict[str, str]:
        return {"IDENTITY_ENDPOINT": f"{self._server.url}/msi/token", "IDENTITY_HEADER": _HEADER}

    def trusted_by(self, resource: str, trusted: Trusted) -> None:
        """`trusted(object_id, token)` is called with each new token for the resource."""
        self._trusted[resource] = trusted

    def renew(self) -> None:
        """Whoever asks next gets new tokens."""
        self._current.clear()

    def token_for(self, resource: str) -> dict[str, Any]:
        """What the endpoint answers."""
        if resource not in self._current:
            self._current[resource] = self._new(resource)
        return self._current[resource]

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__()

    def _answer(self, exchange: Exchange) -> None:
        query = {name: each[0] for name, each in parse_qs(urlsplit(exchange.path).query).items()}
        self.asked.append(query)
        time.sleep(self.delay)
        if self.away == "hangs":
            exchange.drip(b"", b"")
        elif self.away == "closes":
            exchange.raw(b"")
        elif exchange.headers["X-IDENTITY-HEADER"] != _HEADER:
            exchange.json({"statusCode": 401, "message": "no header"}, 401)
        elif query["api-version"] != "2019-08-01":
            exchange.json({"statusCode": 400, "message": "another version"}, 400)
        elif not self._has(query.get("client_id", "")):
            message = "No User Assigned or Delegated Managed Identity found for specified ClientId"
            exchange.json({"statusCode": 400, "message": message}, 400)
        elif self.away == "fails" or query["resource"] not in {*self._trusted, *self.mint}:
            exchange.json({"statusCode": 500, "message": "An unexpected error occurred."}, 500)
        else:
            exchange.json(self.token_for(query["resource"]))

    def _has(self, client_id: str) -> bool:
        return self.identities is None or client_id in self.identities

    def _new(self, resource: str) -> dict[str, Any]:
        if resource in self.mint:
            made = {"token_type": "Bearer", **self.mint[resource]()}
            self.given.append(made["access_token"])
            return made
        now = int(time.time())
        claims = {"oid": self.object_id, "aud": resource, "iat": now, "exp": now + int(self.life)}
        token = jwt.encode(claims | {"jti": str(len(self.given))}, _KEY)
        self._trusted[resource](self.object_id, token)
        self.given.append(token)
        return {
            "access_token": token,
            "expires_on": str(claims["exp"]),
            "resource": resource,
            "token_type": "Bearer",
        }
