"""Authentication at Redis and PostgreSQL as a managed identity: `?auth=entra` in their URLs.

Sources: Microsoft's pages "Use Microsoft Entra ID for cache authentication with Azure Managed
Redis" (scope, user name, re-authentication three minutes before a token expires) and "Connect with
managed identity to Azure Database for PostgreSQL - Flexible Server" (the token is the password, and
is checked only when connecting).

Azure's packages are imported, and threads started, only when a worker needs a token: after gunicorn
has forked it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

from django.conf import settings
from redis.auth.token import JWToken, TokenInterface
from redis.auth.token_manager import RetryPolicy, TokenManagerConfig
from redis.connection import ConnectionPool
from redis.credentials import StreamingCredentialProvider
from redis.exceptions import RedisError
from typing_extensions import override

from accounts.http.deadline import SingleFlight
from accounts.process.per_process import PerProcess

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken
    from azure.identity import DefaultAzureCredential

logger = logging.getLogger(__name__)

REDIS: Final = "https://redis.azure.com/.default"
POSTGRESQL: Final = "https://ossrdbms-aad.database.windows.net/.default"

# Short and without retries: somebody waits for the page.
_TIMEOUTS: Final = {"connection_timeout": 1.0, "read_timeout": 1.5, "retry_total": 0}
_SECONDS: Final = 10.0  # for all kinds of credential together
_MIN_VALIDITY: Final = 10.0  # seconds; a token with less may expire before it arrives
# A developer's own logins; some start programs, and take seconds to fail.
_DEVELOPER_CREDENTIALS: Final = (
    "shared_token_cache",
    "visual_studio_code",
    "cli",
    "powershell",
    "developer_cli",
    "broker",
)
# Redis's token is renewed at 70 % of its lifetime, at the latest 3 minutes before it expires; a
# failed renewal is retried every 10 s for 15 minutes. (redis-py ignores the time-out.)
_RENEWAL: Final = TokenManagerConfig(0.7, 180_000, 3_000, RetryPolicy(90, 10_000))


class NoToken(Exception):
    """Entra issued no token; the text is one line: why the last kind of credential failed."""

    fix = (  # shown by `doctor`
        "Turn the identity on (App Service > Identity); for a user-assigned one set AZURE_CLIENT_ID"
        " to its client id, for the system's leave it unset."
    )

    def __init__(self, problem: Exception) -> None:
        last = str(problem).rpartition("\n\t")[2].partition("\n")[0]
        super().__init__(f"no Entra token: {last[:300]}")


def token(scope: str) -> str:
    """An access token for the scope, of the identity AZURE_CLIENT_ID or the system's.

    azure-identity caches tokens, but stops using one at half the lifetime of two hours or more,
    else five minutes before expiry. So the last token is kept here too, and used until it expires
    while no new one can be obtained. Raises NoToken.
    """
    last = _last.get()
    try:
        last[scope] = _requests.get()[scope].result(_SECONDS)
    except Exception as problem:  # azure-identity and its transports raise many kinds
        if scope not in last or time.time() > last[scope].expires_on - _MIN_VALIDITY:
            raise NoToken(problem) from problem
        logger.warning("an Entra token is used to its end (%s)", type(problem).__name__)
    return last[scope].token


def _make_credential() -> DefaultAzureCredential:
    from azure.identity import DefaultAzureCredential

    names = () if settings.DEBUG else _DEVELOPER_CREDENTIALS
    excluded = {f"exclude_{name}_credential": True for name in names}
    return DefaultAzureCredential(**_TIMEOUTS, **excluded)


def _ask(scope: str) -> AccessToken:
    return _credential.get().get_token(scope)


_credential = PerProcess(_make_credential)
# Concurrent requests for the same scope share one answer.
_requests = PerProcess(
    lambda: {scope: SingleFlight(partial(_ask, scope)) for scope in (REDIS, POSTGRESQL)}
)
_last: PerProcess[dict[str, AccessToken]] = PerProcess(dict)


class RedisLogin(StreamingCredentialProvider):
    """Credentials for new connections to Redis; live ones are re-authenticated with new tokens.

    Passed to redis-py's pools, of which a cluster has one per node. One renewal runs per process,
    redis-entraid's. If its chain of timers breaks, the first connection after the last token has
    expired starts a new one.
    """

    def __init__(self) -> None:
        self._lock = PerProcess(threading.Lock)
        self._renewed_until = 0.0  # in milliseconds, like all of redis-py's times
        self._pools: WeakSet[ConnectionPool] = WeakSet()

    def add_pool(self, pool: ConnectionPool) -> None:
        """Re-authenticate the live connections of this pool too."""
        self._pools.add(pool)

    @override
    def get_credentials(self) -> tuple[str, str]:
        """The identity's object id and a token. Raises RedisError, which is not retried."""
        try:
            current = JWToken(token(REDIS))
        except Exception as problem:  # redis-py would leave the connection open after others
            raise RedisError(str(problem)) from problem
        if self._needs_renewal(current):
            threading.Thread(target=self._renew, daemon=True).start()
        return current.try_get("oid"), current.get_value()

    @override
    def on_next(self, callback: Callable[[Any], None]) -> None:
        """Ignored: redis-py's callback reaches only the pool of the last client."""

    @override
    def on_error(self, callback: Callable[[Exception], None]) -> None:
        """Ignored: redis-py's callback raises in a thread, where nothing handles it."""

    @override
    def is_streaming(self) -> bool:
        return self._renewed_until > 0

    def _needs_renewal(self, current: TokenInterface) -> bool:
        """Whether no renewal runs; if so, the caller is to start one."""
        with self._lock.get():
            if time.time() * 1000 < self._renewed_until:
                return False
            self._renewed_until = current.get_expires_at_ms()
            return True

    def _renew(self) -> None:
        """Start the renewal, which continues in redis-entraid's own thread."""
        from redis_entraid.cred_provider import EntraIdCredentialsProvider
        from redis_entraid.identity_provider import DefaultAzureCredentialProvider

        identity = DefaultAzureCredentialProvider(_credential.get(), (REDIS,))
        provider = EntraIdCredentialsProvider(identity, _RENEWAL)
        provider.on_next(self._renewed)
        provider.on_error(self._not_renewed)
        try:
            provider.get_credentials()
        except Exception as problem:
            self._not_renewed(problem)

    def _renewed(self, token: TokenInterface) -> None:
        """Must not raise: that would break the chain of timers."""
        self._renewed_until = token.get_expires_at_ms()
        for pool in list(self._pools):
            try:
                pool.re_auth_callback(token)
            except Exception as problem:
                name = type(problem).__name__
                logger.warning("not all connections to Redis signed in again (%s)", name)

    def _not_renewed(self, problem: Exception) -> None:
        logger.error("Redis's Entra token could not be renewed (%s)", type(problem).__name__)
